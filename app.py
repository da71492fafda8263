"""The window and the HTTP API in one server.

    ./run.sh app.py --gpu cuda:0
    ./run.sh app.py --api-only --server-port 7861
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
def main(
    gpu: Annotated[str | None, typer.Option(help="cuda:0, cuda:1, ..., cpu or auto.")] = None,
    profile: Annotated[str | None, typer.Option(help="VRAM profile of diffusion models: auto, 1 to 5.")] = None,
    attention: Annotated[str | None, typer.Option(help="Attention backend of diffusion models.")] = None,
    compile: Annotated[bool | None, typer.Option(help="Compile diffusion models.")] = None,
    preload: Annotated[int | None, typer.Option(help="MB of weights kept on the card.")] = None,
    dtype: Annotated[str | None, typer.Option(help="bf16 or fp16 for diffusion models.")] = None,
    quantization: Annotated[str | None, typer.Option(help="int8, fp8, int4 or none.")] = None,
    server_port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 7860,
    server_name: Annotated[str | None, typer.Option(help="Address to bind; others than this machine need "
                                                         "--listen.")] = None,
    listen: Annotated[bool, typer.Option("--listen", help="Let other machines connect; needs --auth.")] = False,
    auth: Annotated[str | None, typer.Option(help="user:password")] = None,
    auth_file: Annotated[Path | None, typer.Option(help="A file that holds user:password.")] = None,
    open_browser: Annotated[bool, typer.Option("--open-browser", help="Open the window in the browser.")] = False,
    theme: Annotated[str | None, typer.Option(help="system, light or dark.")] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Where results go.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Another settings.json.")] = None,
    api_only: Annotated[bool, typer.Option("--api-only", help="The HTTP API without the window.")] = False,
    engines: Annotated[str, typer.Option(help="Engines from elsewhere, as package.module:function.")] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what happens.")] = False,
) -> None:
    from wgp_core import server

    overrides = {"profile": profile, "attention": attention, "compile": compile, "preload_mb": preload,
                 "ui_theme": theme, "dtype": dtype, "quantization": quantization}
    options = server.ServerOptions(
        port=server_port, name=server_name, listen=listen, auth=auth, auth_file=auth_file, gpu=gpu,
        open_browser=open_browser, output_dir=output_dir, settings_file=settings, engines=engines, verbose=verbose,
        overrides={name: value for name, value in overrides.items() if value is not None})
    if api_only:
        raise typer.Exit(server.serve(options, None))
    from ui.build import mount_window

    raise typer.Exit(server.serve(options, mount_window))


if __name__ == "__main__":
    app()
