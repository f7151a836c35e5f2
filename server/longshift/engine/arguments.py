"""The arguments of commands: how they look on the wire, and their parsing.

Every caller is untrusted: what does not fit is a `UsageError` that names the field. Light, for who
only sends commands.
"""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from longshift.errors import UsageError

Name = Annotated[str, Field(min_length=1, max_length=4096)]


class Arguments(BaseModel):
    """A command's arguments: camelCase on the wire, unknown ones refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


Shape = TypeVar("Shape", bound=BaseModel)


def parse(name: str, shape: type[Shape], arguments: Mapping[str, object]) -> Shape:
    """Check a command's arguments.

    Raises:
        UsageError: they do not fit; names the first field that does not.
    """
    try:
        return shape.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "its argument"
        raise UsageError(f"{name}: `{field}`: {first['msg']}. Nothing was done.") from error
