# The window in a container: docker compose up t2v, or docker compose --profile gpu up t2v-gpu
FROM python:3.11-slim-bookworm

RUN useradd --create-home studio
WORKDIR /studio
COPY requirements.txt requirements-starter.txt ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir -r requirements.txt \
    && .venv/bin/pip install --no-cache-dir --no-deps -r requirements-starter.txt
COPY --chown=studio:studio . .
RUN mkdir -p outputs data ckpts loras && chown studio:studio . outputs data ckpts loras
USER studio
EXPOSE 7860
ENTRYPOINT [".venv/bin/python"]
CMD ["app.py", "--listen", "--auth-file", "/run/secrets/window_login"]
