"""Reads a token of a program with PyJWT, and forges others from it.

Usage: tokens.py JWKS_URL, with the token as the only line of standard input. Prints JSON: what the token says, as PyJWT verified it
with the published keys, and tokens that nobody should be let in with, by what is wrong with them.
"""

import json
import sys
import time

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE = "atalaya-api"


def main(url, token):
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token)
    required = ["iss", "aud", "sub", "client_id", "iat", "exp", "jti"]
    claims = jwt.decode(
        token, key, algorithms=["EdDSA"], audience=AUDIENCE, options={"require": required}
    )
    public = key.key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    other = Ed25519PrivateKey.generate()
    head, body, signature = token.split(".")

    def forged(changed, by=other, alg="EdDSA", **headers):
        return jwt.encode({**claims, **changed}, by, algorithm=alg, headers={**header, "alg": alg, **headers})

    mine = jwt.algorithms.OKPAlgorithm.to_jwk(other.public_key(), as_dict=True)
    longer = forged({"exp": int(time.time()) + 86_400}).split(".")[1]
    wrong = {
        "no signature": jwt.encode(claims, None, algorithm="none", headers={"kid": header["kid"], "typ": "at+jwt"}),
        "the public key as a shared secret": forged({}, public, "HS256"),
        "another key under our name": forged({}),
        "a key that it brings along": forged({}, jwk=mine, kid="mine"),
        "a key to be fetched": forged({}, jku="http://127.0.0.1:9/jwks.json"),
        "our signature under a longer life": ".".join([head, longer, signature]),
        "no signature at all": ".".join([head, body, ""]),
        "a padded signature": token + "==",
    }
    print(json.dumps({"header": header, "claims": claims, "forged": wrong}))


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.readline().strip())
