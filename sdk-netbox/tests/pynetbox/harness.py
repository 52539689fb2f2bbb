"""The NetBox under test, and what every step needs to talk to it and to judge its answers."""

import sys

import pynetbox
import requests

URL, TOKEN = sys.argv[1:3]
nb = pynetbox.api(URL, token=TOKEN)
STEPS = []


def step(function):
    """Registers a function as a step; it is called with its own name as a prefix for what it creates."""
    STEPS.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def refused(status, call):
    """The body of the answer to a call that must fail."""
    try:
        call()
    except (pynetbox.RequestError, pynetbox.AllocationError) as error:
        assert error.req.status_code == status, f"{error.req.status_code}: {error.req.text[:200]}"
        return error.req.json() if "json" in error.req.headers["Content-Type"] else error.req.text
    raise AssertionError("accepted, though it must not be")


def raw(method, path, **more):
    """A request of the kind that scripts send beside pynetbox."""
    return requests.request(method, f"{URL}/api/{path}", headers={"Authorization": f"Token {TOKEN}"}, **more)
