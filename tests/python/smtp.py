"""A mail server on loopback that keeps what it is given, and refuses, hangs or dies when told to.

Usage: smtp.py FOLDER [--starttls] [--user NAME:PASSWORD]. Writes FOLDER/port once it listens, FOLDER/ca.pem with --starttls (a
certificate of its own for localhost), each message as a line of JSON to FOLDER/messages, and asks FOLDER/plan what to do with the
next one: its first line is taken away and done. Lines: `ok`, `later` (451), `never` (550, quoting the message), `hang` (answers
nothing until the client goes away), `die` (keeps the message and cuts the connection instead of answering).
"""

import asyncio
import base64
import datetime
import email
import email.policy
import ipaddress
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of a test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with open(os.path.join(folder, "key.pem"), "wb") as file:
        file.write(secret)
    with open(os.path.join(folder, "ca.pem"), "wb") as file:
        file.write(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "ca.pem"), os.path.join(folder, "key.pem"))
    return context


class Keeper:
    def __init__(self, folder):
        self.folder = folder

    def planned(self):
        path = os.path.join(self.folder, "plan")
        try:
            with open(path) as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return "ok"
        if not lines:
            return "ok"
        with open(path, "w") as file:
            file.write("".join(line + "\n" for line in lines[1:]))
        return lines[0]

    async def handle_DATA(self, server, session, envelope):
        what = self.planned()
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: message.get_body((kind,)).get_content()
        kept = {
            "did": what,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "protected": session.ssl is not None,
            "authenticated": session.authenticated,
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "text": part("plain"),
            "html": part("html"),
            "pictures": [
                {"id": one["content-id"], "type": one.get_content_type(), "content": base64.b64encode(one.get_content()).decode()}
                for one in message.walk()
                if one.get_content_maintype() == "image"
            ],
        }
        with open(os.path.join(self.folder, "messages"), "a") as file:
            file.write(json.dumps(kept) + "\n")
        if what == "later":
            return "451 4.7.1 greylisted, come back later"
        if what == "never":
            line = next((line for line in kept["text"].splitlines() if "://" in line), "nothing")
            return f"550 5.7.1 this looks like spam: {line}"
        if what == "hang":
            await asyncio.Event().wait()
        if what == "die":
            server.transport.abort()
            await asyncio.Event().wait()
        return "250 2.0.0 taken"


def authenticator(wanted):
    def judge(server, session, envelope, mechanism, data):
        given = f"{data.login.decode()}:{data.password.decode()}"
        return AuthResult(success=given == wanted, handled=False)

    return judge


async def main(folder, options):
    further = {}
    if "--starttls" in options:
        further = {"tls_context": certificate(folder), "require_starttls": True}
    if "--user" in options:
        wanted = options[options.index("--user") + 1]
        further |= {"authenticator": authenticator(wanted), "auth_required": True}
        further.setdefault("auth_require_tls", "--starttls" in options)
    keeper = Keeper(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, loop=loop, **further), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with open(os.path.join(folder, "port.new"), "w") as file:
        file.write(str(port))
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
