#!/usr/bin/env bash
# A device made of Debian's mosquitto-clients, jq, curl and sha256sum, as docs/api/devices-mqtt.md describes one.
#
#   device.sh session          makes the device's session at the broker and leaves: what is sent from now on waits for it
#   device.sh upgrade FILE     waits for one command, downloads into FILE, checks it, and reports each step
#
# BROKER_HOST, BROKER_PORT, DEVICE_UUID and DEVICE_TOKEN say where and who; WAIT_S how long it waits for a command.
set -euo pipefail
: "${BROKER_HOST:?}" "${BROKER_PORT:?}" "${DEVICE_UUID:?}" "${DEVICE_TOKEN:?}"

login=(-h "$BROKER_HOST" -p "$BROKER_PORT" -u "$DEVICE_UUID" -P "$DEVICE_TOKEN" -q 1)
# The client id is the uuid, and the session outlives the connection.
listen=(mosquitto_sub "${login[@]}" -i "$DEVICE_UUID" -c -t "devices/$DEVICE_UUID/commands")

# report STATUS [NAME VALUE]...: a second connection, whose client id is the uuid, a point and a word.
report() {
    jq -cn --argjson command "$command" --arg status "$1" \
        '{v: 1, command_id: $command.command_id, attempt: $command.attempt, status: $status}
         + ([$ARGS.positional as $a | range(0; $a | length; 2) | {key: $a[.], value: $a[. + 1]}] | from_entries)' \
        --args "${@:2}" |
        mosquitto_pub "${login[@]}" -i "$DEVICE_UUID.report" -t "devices/$DEVICE_UUID/reports" -s
}

case $1 in
session)
    "${listen[@]}" -E
    ;;
upgrade)
    file=$2
    command=$("${listen[@]}" -C 1 -W "${WAIT_S:-60}")
    [[ $(jq -r .type <<<"$command") == upgrade ]] || { printf 'not an upgrade: %s\n' "$command" >&2; exit 1; }
    report downloading
    curl --fail --silent --show-error --max-time 60 --output "$file" "$(jq -r .firmware.url <<<"$command")"
    if ! sha256sum --check --status <<<"$(jq -r .firmware.sha256 <<<"$command")  $file"; then
        report failed code E-SUM message 'the checksum is another'
        exit 1
    fi
    report installing
    report succeeded firmware_version "$(jq -r .firmware.version <<<"$command")"
    ;;
*)
    printf 'session or upgrade?\n' >&2
    exit 2
    ;;
esac
