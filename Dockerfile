# One image for web, worker and beat: what it runs is the command's business.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/data STATIC_ROOT=/app/staticfiles

RUN useradd --create-home --uid 10001 juice && install -d -o juice -g juice /app /data
WORKDIR /app

COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt

COPY --chown=juice:juice . .
USER juice
# Static files are collected at build time; no secret is needed or kept for it.
RUN DEBUG=0 SECRET_KEY=only-for-collectstatic VAR_DIR=/tmp python manage.py collectstatic --noinput

VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "8", "--respawn-failed-workers", \
     "--respawn-interval", "1", "juice.wsgi:application"]
