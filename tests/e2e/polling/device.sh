#!/usr/bin/env bash
# A device made of curl, jq and sha256sum, as docs/api/devices-http.md describes one.
#
#   device.sh FILE     waits for one command, downloads into FILE, checks it, and reports each step
#
# DROVER_URL, DEVICE_UUID and DEVICE_TOKEN say where and who; WAIT_S how long one question may wait.
set -euo pipefail
: "${DROVER_URL:?}" "${DEVICE_UUID:?}" "${DEVICE_TOKEN:?}" "${1:?}"
file=$1

# The token comes from standard input: what is among the arguments is seen by everybody on the machine.
call() {
    curl --silent --show-error --fail --max-time 60 --config - "$@" <<<"user = \"$DEVICE_UUID:$DEVICE_TOKEN\""
}

# report STATUS [NAME VALUE]...
report() {
    local body
    body=$(jq -cn --argjson command "$command" --arg status "$1" \
        '{v: 1, command_id: $command.command_id, attempt: $command.attempt, status: $status}
         + ([$ARGS.positional as $a | range(0; $a | length; 2) | {key: $a[.], value: $a[. + 1]}] | from_entries)' \
        --args "${@:2}")
    call --retry 5 --json "$body" "$DROVER_URL/device/v1/reports" >/dev/null
}

command=null
while [[ $command == null ]]; do
    command=$(call --retry 5 "$DROVER_URL/device/v1/commands?wait=${WAIT_S:-25}" | jq -c '.commands[0]')
done
[[ $(jq -r .type <<<"$command") == upgrade ]] || { printf 'not an upgrade: %s\n' "$command" >&2; exit 1; }
report downloading
curl --fail --silent --show-error --max-time 60 --output "$file" "$(jq -r .firmware.url <<<"$command")"
if ! sha256sum --check --status <<<"$(jq -r .firmware.sha256 <<<"$command")  $file"; then
    report failed code E-SUM message 'the checksum is another'
    exit 1
fi
report installing
report succeeded firmware_version "$(jq -r .firmware.version <<<"$command")"
