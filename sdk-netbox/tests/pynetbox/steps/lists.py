"""Pages, their order, and the fields of their objects."""

import pynetbox

from harness import nb, raw, same, step, TOKEN, URL
from objects import device, five, site


@step
def one_page_with_limit_and_offset(own):
    five(own)
    page = list(nb.extras.tags.filter(name__isw=own, ordering="name", limit=2, offset=2))
    same([tag.name[-1] for tag in page], ["2", "3"])


@step
def all_pages_one_after_the_other(own):
    five(own)
    same([tag.weight for tag in nb.extras.tags.filter(name__isw=own, ordering="-name", limit=2)], [4, 3, 2, 1, 0])


@step
def ordering_by_several_fields(own):
    tags = five(own)
    nb.extras.tags.update([{"id": tags[4].id, "weight": 0}])
    found = nb.extras.tags.filter(name__isw=own, ordering="-weight,name")
    same([tag.name[-1] for tag in found], ["3", "2", "1", "0", "4"])


@step
def threads_read_all_pages(own):
    five(own)
    threaded = pynetbox.api(URL, token=TOKEN, threading=True)
    same({tag.weight for tag in threaded.extras.tags.filter(name__isw=own, limit=2)}, set(range(5)))


@step
def cursor_reads_all_pages(own):
    five(own)
    cursor = pynetbox.api(URL, token=TOKEN, pagination="cursor")
    found = cursor.extras.tags.filter(name__isw=own, limit=2)
    same(len(found), 5)
    same(sorted(tag.weight for tag in found), list(range(5)))


@step
def brief_lists(own):
    site(own)
    (one,) = nb.dcim.sites.filter(slug=own, brief=True)
    same(set(dict(one)), {"id", "url", "display", "name", "slug", "description"})


@step
def chosen_fields(own):
    site(own)
    (one,) = nb.dcim.sites.filter(slug=own, fields="id,name")
    same(dict(one), {"id": nb.dcim.sites.get(slug=own).id, "name": own})
    (rest,) = raw("GET", f"dcim/sites/?slug={own}&omit=comments,tags").json()["results"]
    assert "comments" not in rest and "tags" not in rest and rest["name"] == own


@step
def inventory_leaves_out_config_context(own):
    device(own)
    (one,) = raw("GET", f"dcim/devices/?name={own}&limit=0&exclude=config_context").json()["results"]
    assert "config_context" not in one and "local_context_data" in one


@step
def cursor_has_its_own_order(own):
    wrong = "Ordering cannot be specified in conjunction with cursor-based pagination."
    same(raw("GET", "extras/tags/?start=0&ordering=name").json(), [wrong])
    same(raw("GET", "extras/tags/?start=0&offset=1").json(), ["'start' and 'offset' are mutually exclusive."])
