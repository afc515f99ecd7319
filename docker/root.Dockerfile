# hepae beside ROOT itself, for those who want to open what hepae writes with TBrowser or RDataFrame. hepae needs no ROOT.
#   docker build -f docker/root.Dockerfile -t hepae-root .
#   docker run --rm -it -p 8888:8888 -v "$PWD":/home/atlas/data hepae-root
FROM rootproject/root:6.34.04-ubuntu24.04

RUN apt-get update && apt-get install -y --no-install-recommends python3-venv make git && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home atlas
WORKDIR /home/atlas/hepae

# a virtual environment that sees the image's PyROOT
RUN python3 -m venv --system-site-packages /opt/hepae
ENV PATH=/opt/hepae/bin:$PATH
COPY constraints.txt settings.ini setup.py pyproject.toml README.md ./
COPY hepae hepae
RUN pip install --no-cache-dir --constraint constraints.txt torch==2.13.0 \
 && pip install --no-cache-dir --constraint constraints.txt '.[dev]'

USER atlas
WORKDIR /home/atlas/data
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
