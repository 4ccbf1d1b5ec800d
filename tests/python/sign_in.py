"""Logs in at an issuer with oauthlib, and verifies its ID token with PyJWT.

Usage: sign_in.py ISSUER CLIENT_ID REDIRECT_URI, with the client's secret as the only line of standard input. Prints JSON: what the ID
token says, how it is signed, and how the issuer refuses what it has to refuse.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

# The issuer is on this machine: oauthlib would have https.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import jwt  # noqa: E402
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient  # noqa: E402


class Stay(urllib.request.HTTPRedirectHandler):
    """Says where it is sent to and does not go there."""

    def redirect_request(self, *_):
        return None


def read(url, body=None, headers=None):
    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read().decode()


class Visit:
    """One log-in, up to the code that it gives."""

    def __init__(self, about, client_id, redirect_uri):
        self.about, self.redirect_uri = about, redirect_uri
        self.client = WebApplicationClient(client_id)
        self.verifier = self.client.create_code_verifier(64)
        url = self.client.prepare_request_uri(
            about["authorization_endpoint"],
            redirect_uri=redirect_uri,
            scope=["openid", "email"],
            state="a state",
            nonce="a nonce",
            code_challenge=self.client.create_code_challenge(self.verifier, "S256"),
            code_challenge_method="S256",
        )
        status, headers, body = read(url)
        assert status == 302, (status, body)
        self.client.parse_request_uri_response(headers["location"], state="a state")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(headers["location"]).query)
        assert query["iss"] == [about["issuer"]], query

    def redeem(self, secret, verifier=None, redirect_uri=None, in_form=False):
        """Tokens for the code; oauthlib raises what the issuer refuses."""
        extra = {"client_secret": secret} if in_form else {}
        body = self.client.prepare_request_body(
            redirect_uri=redirect_uri or self.redirect_uri, code_verifier=verifier or self.verifier, **extra
        )
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if not in_form:
            pair = ":".join(urllib.parse.quote(part, safe="") for part in (self.client.client_id, secret))
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        _, _, answer = read(self.about["token_endpoint"], body.encode(), headers)
        return self.client.parse_request_body_response(answer, scope=["openid", "email"])


def refused(act):
    try:
        act()
    except OAuth2Error as error:
        return error.error
    return None


def main(issuer, client_id, redirect_uri, secret):
    status, _, body = read(issuer + "/.well-known/openid-configuration")
    about = json.loads(body)
    assert status == 200 and about["issuer"] == issuer, about

    def visit():
        return Visit(about, client_id, redirect_uri)

    first = visit()
    tokens = first.redeem(secret)
    again = refused(lambda: first.redeem(secret))
    in_form = visit().redeem(secret, in_form=True)
    assert in_form["id_token"].count(".") == 2
    key = jwt.PyJWKClient(about["jwks_uri"]).get_signing_key_from_jwt(tokens["id_token"])
    claims = jwt.decode(
        tokens["id_token"],
        key,
        algorithms=about["id_token_signing_alg_values_supported"],
        audience=client_id,
        issuer=issuer,
        options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
    )
    refusals = {
        "code twice": again,
        "another verifier": refused(lambda: visit().redeem(secret, verifier="x" * 64)),
        "another redirect_uri": refused(lambda: visit().redeem(secret, redirect_uri=redirect_uri + "/")),
        "another secret": refused(lambda: visit().redeem("another")),
    }
    print(json.dumps({"claims": claims, "header": jwt.get_unverified_header(tokens["id_token"]), "refused": refusals}))


if __name__ == "__main__":
    main(*sys.argv[1:4], sys.stdin.readline().rstrip("\n"))
