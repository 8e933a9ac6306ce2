# retries and timeouts are up to you: docker run makes one attempt and waits for its end
# needs the variable SECRET_MY_TOKEN_SECURE_DATA, the value of Secret my-token/SECURE_DATA
# needs the variable SECRET_MY_TOKEN_KEY, the value of Secret my.token/key

# container task shop/pre/box of app-pre shop (task.yaml:1)
# ktask mounts one volume at /cache and /read; here each is empty at first
# ktask refuses an image whose user is root
env TOKEN="${SECRET_MY_TOKEN_SECURE_DATA:?Secret my-token/SECURE_DATA}" a.b="${SECRET_MY_TOKEN_KEY:?Secret my.token/key}" URL=https://me:"${SECRET_MY_TOKEN_SECURE_DATA:?Secret my-token/SECURE_DATA}"@x docker run --rm \
  --pull=always \
  --platform=linux/amd64 \
  --workdir=/w \
  --user=1000:1000 \
  --network=shop_default \
  --tmpfs=/cache:exec,size=67108864,mode=1777 \
  --tmpfs=/read:exec,size=67108864,mode=1777,ro \
  '--mount=type=bind,"source=/src,a",target=/dst,readonly' \
  --memory=67108864 \
  --memory-swap=67108864 \
  --cpus=0.5 \
  --pids-limit=-1 \
  --read-only \
  --privileged \
  --tty \
  --cap-add=NET_ADMIN \
  --cap-drop=ALL \
  --security-opt=no-new-privileges \
  --security-opt=seccomp=unconfined \
  --security-opt=systempaths=unconfined \
  --stop-timeout=2 \
  --no-healthcheck \
  --env=TOKEN \
  --env=a.b \
  --env=URL \
  --env=HOSTNAME=box \
  --env=NODE=laptop \
  '--env=KEPTN_CONTEXT={"workloadName":"","appName":"shop","appVersion":"2","workloadVersion":""}' \
  --entrypoint=sh \
  -- \
  busybox:1 \
  -c \
  'echo $'"${SECRET_MY_TOKEN_SECURE_DATA:?Secret my-token/SECURE_DATA}" \
  '$(pwd) $$ $x'

# python task shop/post/script of workload-post shop-api (b.yaml:1)
(files=$(mktemp -d) && trap 'rm -r "$files"' EXIT &&
  printf %s 'print('\''$x'\'')
' > "$files/1" && chmod 0644 "$files/1" &&
  SECURE_DATA="${SECRET_MY_TOKEN_SECURE_DATA:?Secret my-token/SECURE_DATA}" docker run --rm \
  --network=none \
  --pids-limit=4096 \
  --stop-timeout=5 \
  --no-healthcheck \
  --env=SECURE_DATA \
  '--env=KEPTN_CONTEXT={"workloadName":"shop-api","appName":"shop","appVersion":"","workloadVersion":"3"}' \
  --mount=type=bind,source="$files/1",target=/var/data/function.py,readonly \
  -- \
  python:1)
