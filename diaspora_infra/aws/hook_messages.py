"""Messages of resource hooks, which the user sees whatever becomes of the resource."""

import asyncio

import pulumi


async def tell(message: str, resource: pulumi.Resource) -> None:
    """Show a message about a resource, and return when the engine has it.

    The SDK sends such a message in a task of its own. A creation that fails at once ends the run, and with the run that
    task: just then the message says what to do.
    """
    before = asyncio.all_tasks()
    pulumi.log.info(message, resource)
    await asyncio.gather(*(asyncio.all_tasks() - before))
