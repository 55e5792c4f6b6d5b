#!/usr/bin/env bash
# Makes the pictures of the README afresh, in docs/screens: the pages of a campaign with simulated devices that runs in the test of
# every page's looks, taken in a real browser. All pictures of that test stay in target/screens.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
# What the README shows; each is a page and how it is looked at.
shown=(overview-light overview-dark job-light job-dark device-light queues-dark workers-light audit-light job-phone)

command -v pngquant >/dev/null || {
    echo "error: no pngquant, which makes the pictures small: install it (Debian: apt-get install pngquant)" >&2
    exit 1
}
scripts/install-deps.sh test
cargo nextest run -p drover --test e2e dashboard::looks
mkdir -p docs/screens
rm -f docs/screens/*.png
for name in "${shown[@]}"; do
    pngquant --speed 1 --strip --output "docs/screens/$name.png" 64 "target/screens/$name.png"
done
du --apparent-size -ch docs/screens/*.png | tail -1
