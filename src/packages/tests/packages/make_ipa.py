"""Makes an IPA, as JSON on the input describes it, and writes it to the output.

Property lists come from plistlib, the profile is signed by OpenSSL with a key that is thrown away, and the archive is
zipfile's: nothing of it was written by whom it tests. Strings "date:..." and "data:..." become dates and data.
"""

import base64
import datetime
import io
import json
import plistlib
import subprocess
import sys
import tempfile
import zipfile


def value(of):
    if isinstance(of, dict):
        return {key: value(each) for key, each in of.items()}
    if isinstance(of, list):
        return [value(each) for each in of]
    if isinstance(of, str) and of.startswith("date:"):
        return datetime.datetime.fromisoformat(of.removeprefix("date:"))
    if isinstance(of, str) and of.startswith("data:"):
        return base64.b64decode(of.removeprefix("data:"))
    return of


def signed(content):
    with tempfile.TemporaryDirectory() as folder:
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=folder, input=content, check=True, stderr=subprocess.DEVNULL)

        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=nobody", "-days", "1")
        openssl("cms", "-sign", "-binary", "-nodetach", "-signer", "certificate.pem", "-inkey", "key.pem",
                "-outform", "DER", "-out", "profile")
        with open(f"{folder}/profile", "rb") as profile:
            return profile.read()


wish = json.load(sys.stdin)
bundle = wish["bundle"]
output = io.BytesIO()
with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("Payload/", b"")
    archive.writestr(f"{bundle}/", b"")
    kind = plistlib.FMT_BINARY if wish["binary"] else plistlib.FMT_XML
    archive.writestr(f"{bundle}/Info.plist", plistlib.dumps(value(wish["info"]), fmt=kind))
    if wish["profile"] is not None:
        profile = plistlib.dumps(value(wish["profile"]))
        archive.writestr(f"{bundle}/embedded.mobileprovision", signed(profile))
    for name, content in wish["files"].items():
        archive.writestr(name, base64.b64decode(content))
sys.stdout.buffer.write(output.getvalue())
