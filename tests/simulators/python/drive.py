"""Drives a simulated router with librouteros and prints, as JSON, what that client got.

Usage: drive.py PORT {plain,token}

The router is expected to be SimConfig::isp(4) without CPEs. The test beside this script compares the output
with the simulator's own state.
"""

import json
import sys

from librouteros import connect
from librouteros.exceptions import ConnectionClosed, FatalError, TrapError
from librouteros.login import plain, token
from librouteros.query import And, Key, Or


def trap(call):
    """The message of the trap that a call ends in, or None."""
    try:
        call()
    except TrapError as error:
        return {"message": str(error.message), "category": error.category}
    return None


def main(port, method):
    login = {"plain": plain, "token": token}[method]

    def session(password):
        return connect("127.0.0.1", "admin", password, port=port, login_method=login, encoding="utf-8")

    out = {"wrong_password": trap(lambda: session("wrong"))}
    api = session("admin")
    secrets = api.path("ppp", "secret")
    name, profile, disabled = Key("name"), Key("profile"), Key("disabled")

    def names(*query):
        return [row["name"] for row in secrets.select(name).where(*query)]

    out["identity"] = list(api.path("system", "identity"))
    out["all"] = names()
    out["whole_row"] = next(iter(secrets.select().where(name == "sub0001")))
    out["equal"] = names(profile == "50M")
    out["unequal"] = names(profile != "50M")
    out["in"] = names(name.In("sub0001", "sub0004", "nobody"))
    out["or"] = names(Or(name == "sub0001", profile == "50M"))
    out["and"] = names(And(profile == "10M", disabled == False))  # noqa: E712
    out["greater"] = names(name > "sub0002")
    out["nothing"] = names(name == "nobody")
    out["count"] = list(api.rawCmd("/ppp/secret/print", "=count-only="))

    # Words of every length form that fits a comment, and bytes that are not ASCII.
    out["added"] = secrets.add(name="ana", password="x", service="pppoe", profile="10M", comment="Muñoz " + "x" * 20000)
    out["comment"] = [row["comment"] for row in secrets.select(Key("comment")).where(name == "ana")]
    secrets.update(**{".id": out["added"], "disabled": True, "comment": "a=b"})
    out["changed"] = list(secrets.select(name, disabled, Key("comment")).where(name == "ana"))
    tuple(secrets("unset", **{".id": out["added"], "value-name": "comment"}))
    out["unset"] = list(secrets.select(name, Key("comment")).where(name == "ana"))

    out["duplicate"] = trap(lambda: secrets.add(name="ana"))
    out["missing_profile"] = trap(lambda: secrets.add(name="eva", profile="none"))
    out["unknown_parameter"] = trap(lambda: secrets.add(name="eva", nonsense="1"))
    out["unknown_menu"] = trap(lambda: tuple(api.path("no", "such")))
    out["bad_value"] = trap(
        lambda: api.path("ip", "firewall", "address-list").add(list="x", address="10.0.0.300")
    )

    by_name = {row["name"]: row[".id"] for row in secrets.select(Key(".id"), name)}
    secrets.remove(by_name["sub0002"], by_name["sub0003"])
    out["gone"] = trap(lambda: secrets.remove(by_name["sub0002"]))
    secrets.update(**{".id": by_name["sub0004"], "profile": "cut"})

    rules = api.path("ip", "firewall", "filter")
    first = next(iter(rules.select(Key(".id"))))[".id"]
    rules.add(chain="forward", action="drop", comment="first", **{"place-before": first})
    # librouteros leaves out a row that has none of the properties asked for, so ask for one that all have.
    out["rules"] = [row.get("comment", "") for row in rules.select(Key("chain"), Key("comment"))]

    try:
        tuple(api("/quit"))
        out["quit"] = None
    except FatalError as error:
        out["quit"] = str(error)
    try:
        names()
        out["after_quit"] = "open"
    except (ConnectionClosed, OSError):
        out["after_quit"] = "closed"
    print(json.dumps(out))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
