# The demo on a CPU or, with `--gpus all`, on a GPU: docs/host.md.
FROM python:3.12-slim
# PyTorch's own index of CPU wheels here makes the image some gigabytes smaller.
ARG PIP_EXTRA_INDEX_URL
RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user/app
ENV PATH=/home/user/.local/bin:$PATH PIP_NO_CACHE_DIR=1 \
    GLACLIP_HOSTED=1 GLACLIP_CACHE=/home/user/cache \
    GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
COPY --chown=user README.md pre-requirements.txt requirements.txt ./
RUN pip install --user --requirement pre-requirements.txt --requirement requirements.txt \
    "gradio==$(sed -n 's/^sdk_version: //p' README.md)"
COPY --chown=user app.py ./
COPY --chown=user glaclip glaclip
COPY --chown=user assets assets
EXPOSE 7860
HEALTHCHECK --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/health')"]
CMD ["python", "app.py"]
