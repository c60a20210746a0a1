"""The endpoints as MCP tools, through the protocol's own client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mcp
import pytest

from glaclip.pictures.encoding import picture_uri
from tests.toy import side_by_side
from tests.ui.test_api import launched


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with launched(mcp_server=True) as page:
        yield f"{page.local_url}gradio_api/mcp/"


def photo() -> str:
    """A photo in the words of MCP: an address or, as here, a data URI."""
    return picture_uri(side_by_side(), "PNG")


def ask(address: str, tool: str = "", **arguments: Any) -> Any:
    """Calls a tool, or lists them."""
    from mcp.client.streamable_http import streamable_http_client

    async def talk() -> Any:
        async with (
            streamable_http_client(address) as (read, write, _),
            mcp.ClientSession(read, write) as session,
        ):
            await session.initialize()
            if tool:
                return await session.call_tool(tool, arguments)
            return (await session.list_tools()).tools

    # In a thread of its own: the browser tests leave a running loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(talk())).result()


def test_the_endpoints_are_tools_with_described_inputs(address: str) -> None:
    tools = {tool.name: tool for tool in ask(address)}
    assert set(tools) == {"segment", "suggest", "attention", "evaluate"}
    for tool in tools.values():
        assert tool.description
        assert all(field.get("description") for field in tool.inputSchema["properties"].values())


def test_segment_answers_with_its_document_and_a_file(address: str) -> None:
    answer = ask(address, "segment", photo=photo(), vocabulary="red, blue")
    text = " ".join(part.text for part in answer.content if part.type == "text")
    assert not answer.isError
    assert "'name': 'red'" in text
    assert "gla-clip.zip" in text


def test_attention_answers_with_shares_and_a_picture(address: str) -> None:
    answer = ask(address, "attention", photo=photo(), x=20, y=20)
    assert not answer.isError
    assert "own_mass" in " ".join(part.text for part in answer.content if part.type == "text")


def test_a_refusal_is_one_sentence(address: str) -> None:
    answer = ask(address, "segment", photo=photo(), vocabulary="red")
    assert answer.isError
    (part,) = answer.content
    assert part.text.startswith("Type at least two classes")
    assert "Traceback" not in part.text
    assert "/" not in part.text
