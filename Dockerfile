# L'observatoire seul ; PostGIS est à côté (docker-compose.yml) ou ailleurs (OBS_DATABASE_URL).
FROM node:20-bookworm-slim AS pages
WORKDIR /srv/observatoire
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM python:3.12-slim-bookworm
WORKDIR /srv/observatoire
# pg_dump et pg_restore, pour « observatory db backup » et « restore » : au moins la version du serveur.
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client-15 \
 && rm -rf /var/lib/apt/lists/* \
 && pip install --no-cache-dir uv \
 && useradd --create-home --shell /usr/sbin/nologin observatoire
ENV VIRTUAL_ENV=/srv/observatoire/.venv PATH=/srv/observatoire/.venv/bin:$PATH
COPY pyproject.toml requirements.lock ./
# Les versions et les empreintes sont celles du verrou ; les outils de développement restent dehors.
RUN uv venv .venv \
 && uv pip install --no-cache --require-hashes --constraint requirements.lock --requirement pyproject.toml
COPY README.md LICENSE ./
COPY geodata geodata
COPY observatory observatory
COPY api api
RUN uv pip install --no-cache --no-deps --editable .
COPY --from=pages /srv/observatoire/node_modules node_modules
USER observatoire
ENV OBS_HOST=0.0.0.0 OBS_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --start-period=10m --retries=6 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=5)"]
CMD ["observatory", "serve", "--prepare"]
