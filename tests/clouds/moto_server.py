"""moto as a server of its own process: `with moto_server() as url:`. Run as a script, it is that process.

Five answers of moto are corrected, on which the provider would stumble for ever: transit gateways come back without one
of their options, routes of them without what they lead to, attachments of networks to them without their tags, and when
deleted they were never there; an autoscaling group loses its policy by an update that says nothing about it.

It answers whole: werkzeug writes a response in pieces, and under load a client that loses one creates twice. It ends
with its parent, whichever way that ends: it watches its standard input.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

START_S = 60.0  # importing moto on a busy machine
OTHER_ACCOUNT = "222222222222"
DEFAULT_ACCOUNT = "123456789012"  # what moto takes whoever assumes no role for


@contextmanager
def moto_server() -> Iterator[str]:
    """A server of its own with nothing in it, on a free port; ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        late = threading.Timer(START_S, process.kill)
        late.start()
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            late.cancel()
            if not url:
                raise RuntimeError(f"moto did not start within {START_S:.0f} s: exit code {process.wait()}")
            yield url
        finally:
            late.cancel()
            process.kill()


def aws_environ() -> dict[str, str]:
    """The process's variables with credentials that moto takes, and none that lead to a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "GOGC": "400",  # the provider lives for seconds: a seventh of them goes into collecting its garbage
    }


def call_moto(patch: "pytest.MonkeyPatch") -> None:
    """Puts these variables in the place of the process's own, until the patch is undone."""
    wanted = aws_environ()
    for name in os.environ.keys() - wanted.keys():
        patch.delenv(name)
    for name, value in wanted.items():
        patch.setenv(name, value)


def _serve() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    _correct_transit_gateways()
    _correct_groups()
    WSGIRequestHandler.wbufsize = 1 << 16  # whole responses
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _correct_groups() -> None:
    """What is not named in an update stays as it is."""
    from moto.autoscaling.models import FakeAutoScalingGroup as Group

    update = Group.update
    replacing = ("launch_config_name", "launch_template", "mixed_instances_policy")

    def update_of_what_is_named(self, **asked):
        before = self.mixed_instances_policy
        update(self, **asked)
        if not any(asked.get(name) for name in replacing):
            self.mixed_instances_policy = before

    setattr(Group, "update", update_of_what_is_named)  # noqa: B010 - moto has types, and this is none of its methods


def _correct_transit_gateways() -> None:
    """What moto gets wrong, as AWS has it."""
    from moto.ec2.models.transit_gateway import TransitGateway
    from moto.ec2.models.transit_gateway_attachments import TransitGatewayAttachmentBackend
    from moto.ec2.models.transit_gateway_route_tables import TransitGatewayRouteTableBackend
    from moto.ec2.responses.transit_gateway_attachments import TransitGatewayAttachment

    TransitGateway.DEFAULT_OPTIONS["SecurityGroupReferencingSupport"] = "disable"
    tables, attachments = TransitGatewayRouteTableBackend, TransitGatewayAttachment
    backend = TransitGatewayAttachmentBackend
    delete_attachment = backend.delete_transit_gateway_vpc_attachment
    create_route = tables.create_transit_gateway_route
    create_attachment = attachments.create_transit_gateway_vpc_attachment

    def route_that_leads_somewhere(self, *args, **kwargs):
        route = create_route(self, *args, **kwargs)
        leads_to = route.get("transitGatewayAttachments")
        return route if leads_to is None else _replaced(route, [leads_to])

    def attachment_with_tags(self):
        answer = create_attachment(self)
        *_, made = self.ec2_backend.transit_gateway_attachments.values()
        made.add_tags(self._parse_tag_specification().get("transit-gateway-attachment", {}))
        return answer

    def attachment_that_was_there(self, transit_gateway_attachment_id):
        gone = delete_attachment(self, transit_gateway_attachment_id)
        setattr(gone, "vpc_id", "")  # noqa: B010 - the network may have another one
        self.transit_gateway_attachments[transit_gateway_attachment_id] = gone
        return gone

    setattr(backend, "delete_transit_gateway_vpc_attachment", attachment_that_was_there)  # noqa: B010 - moto has types, and this is none of its methods
    setattr(tables, "create_transit_gateway_route", route_that_leads_somewhere)  # noqa: B010 - moto has types, and this is none of its methods
    setattr(attachments, "create_transit_gateway_vpc_attachment", attachment_with_tags)  # noqa: B010 - moto has types, and this is none of its methods


def _replaced(route, leads_to):
    route["transitGatewayAttachments"] = leads_to
    return route


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve()
