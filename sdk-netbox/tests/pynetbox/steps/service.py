"""The API itself: versions, tokens, descriptions."""

import pynetbox

from harness import nb, raw, refused, same, step, TOKEN, URL


@step
def version(own):
    same(nb.version, "4.6")


@step
def status_names_versions_and_apps(own):
    status = nb.status()
    assert status["netbox-version"].startswith("4.6."), status
    assert isinstance(status["plugins"], dict) and status["python-version"].startswith("3."), status
    assert "rest_framework" in status["installed_apps"], status


@step
def openapi_needs_no_token(own):
    document = nb.openapi()
    assert document["openapi"].startswith("3."), document["openapi"]
    names = {one["name"] for one in document["paths"]["/api/dcim/devices/"]["get"]["parameters"]}
    assert {"name", "site_id", "tag", "limit"} <= names


@step
def installed_plugins_is_a_list(own):
    assert all({"name", "version"} <= set(one) for one in nb.plugins.installed_plugins())


@step
def root_links_every_app(own):
    links = raw("GET", "").json()
    apps = {"circuits", "core", "dcim", "extras", "ipam", "plugins", "status", "tenancy", "users"}
    assert apps | {"virtualization", "vpn", "wireless"} <= set(links), links
    assert raw("GET", "dcim/").json()["sites"].endswith("/api/dcim/sites/")


@step
def authentication_check_names_the_user(own):
    answer = raw("GET", "authentication-check/")
    same(answer.status_code, 200)
    assert answer.json()["username"], answer.text


@step
def no_token_is_forbidden(own):
    anonymous = pynetbox.api(URL)
    error = refused(403, lambda: list(anonymous.dcim.sites.all()))
    same(error, {"detail": "Authentication credentials were not provided."})


@step
def unknown_endpoint_is_not_found(own):
    refused(404, lambda: list(nb.dcim.nothings.all()))


@step
def user_provisions_a_token(own):
    nb.users.users.create(username=own, password="Correct-Horse-42")
    other = pynetbox.api(URL)
    token = other.create_token(own, "Correct-Horse-42")
    same(token.user.username, own)
    assert other.token in (token.token, f"nbt_{token.key}.{token.token}"), other.token
    assert isinstance(list(other.dcim.sites.all()), list)


@step
def wrong_password_provisions_nothing(own):
    same(refused(403, lambda: pynetbox.api(URL).create_token(own, "wrong")), {"detail": "Invalid username/password"})


@step
def created_token_authenticates(own):
    user = nb.users.users.get(raw("GET", "authentication-check/").json()["id"])
    token = nb.users.tokens.create(user=user.id, version=1, description=own)
    same(len(token.token), 40)
    other = pynetbox.api(URL, token=token.token)
    assert other.dcim.sites.count() >= 0
    token.update({"enabled": False})
    same(refused(403, lambda: list(other.dcim.sites.all())), {"detail": "Token disabled"})


@step
def read_only_token_may_not_write(own):
    user = raw("GET", "authentication-check/").json()["id"]
    token = nb.users.tokens.create(user=user, version=1, write_enabled=False)
    refused(403, lambda: pynetbox.api(URL, token=token.token).extras.tags.create(name=own, slug=own))


@step
def branch_header_is_ignored_without_the_plugin(own):
    branched = pynetbox.api(URL, token=TOKEN)
    branched.http_session.headers["X-NetBox-Branch"] = "td5smq0f"
    assert branched.dcim.sites.create(name=own, slug=own).id == nb.dcim.sites.get(slug=own).id


@step
def user_preferences_are_an_object(own):
    assert isinstance(next(nb.users.config()), dict)
