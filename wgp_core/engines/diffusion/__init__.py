"""The diffusion engine: `generate_video` over real diffusers pipelines, with memory profiles, LoRAs and previews.

`engine` is the engine; each family of models has an adapter module. Nothing here imports torch until it renders.
"""
