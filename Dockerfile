# hepae for container sessions, in the manner of atlasml/ml-base: the repository is mounted at /home/atlas/data, Jupyter listens on 8888.
#   docker build -t hepae .
#   docker run --rm -it -p 8888:8888 -v "$PWD":/home/atlas/data hepae
FROM python:3.11-slim

RUN apt-get update && apt-get install -y --no-install-recommends make git && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home atlas
WORKDIR /home/atlas/hepae

# what changes seldom first: the pinned packages, then hepae itself
COPY constraints.txt settings.ini setup.py pyproject.toml README.md ./
COPY hepae hepae
ARG TORCH_INDEX=""
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url $TORCH_INDEX} --constraint constraints.txt torch==2.13.0 \
 && pip install --no-cache-dir --constraint constraints.txt '.[dev]'

USER atlas
WORKDIR /home/atlas/data
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
