#!/usr/bin/env bash
# A client of the AEP API in bash, curl and openssl alone. It signs a call as docs/api/aep.md says and prints the answer,
# then its HTTP status on a line of its own.
#
#   client.sh METHOD PATH [NAME=VALUE]... [--body JSON | --form FIELD=VALUE...]
#
# SERVER, APP_KEY and APP_SECRET say where and who; MASTER_KEY is sent when it is set, be it empty.
set -euo pipefail
: "${SERVER:?}" "${APP_KEY:?}" "${APP_SECRET:?}"

method=$1 path=$2
shift 2
body='' lines=() send=()
while (($# > 0)); do
    case $1 in
    --body) # What is signed is sent, byte by byte.
        body=$2
        send+=(--header 'Content-Type: application/json' --data-binary "$2")
        shift 2
        ;;
    --form) # The form is not signed; fileSha256 of the query binds the file.
        shift
        while (($# > 0)); do
            send+=(--form "$1")
            shift
        done
        ;;
    *)
        lines+=("${1%%=*}:${1#*=}")
        send+=(--url-query "$1")
        shift
        ;;
    esac
done
if [[ -v MASTER_KEY ]]; then
    lines+=("MasterKey:$MASTER_KEY")
    # curl drops a header that ends in a colon and sends an empty one for a semicolon.
    if [[ -n $MASTER_KEY ]]; then send+=(--header "MasterKey: $MASTER_KEY"); else send+=(--header 'MasterKey;'); fi
fi

timestamp=$(date +%s%3N)
signature=$(
    {
        printf 'application:%s\ntimestamp:%s\n' "$APP_KEY" "$timestamp"
        # By name, byte by byte.
        if ((${#lines[@]} > 0)); then printf '%s\n' "${lines[@]}" | LC_ALL=C sort --field-separator=: --key=1,1; fi
        if [[ -n $body ]]; then printf '%s\n' "$body"; fi
    } | openssl dgst -sha1 -hmac "$APP_SECRET" -binary | openssl base64 -A
)
exec curl --silent --show-error --max-time 60 --request "$method" "$SERVER$path" \
    --header "application: $APP_KEY" --header "timestamp: $timestamp" --header "signature: $signature" \
    --header 'version: 20190615001517' "${send[@]}" --write-out '\n%{http_code}\n'
