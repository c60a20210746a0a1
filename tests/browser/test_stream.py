"""Answers reach the page whatever the moment at which they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.site import Site, halves

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: The end of a stream of answers, which the server says once it has answered all, comes late.
LATE = """() => {
  const ask = window.fetch;
  window.ends = 0;
  window.fetch = async (...request) => {
    const response = await ask(...request);
    if (!String(request[0]?.url ?? request[0]).includes('/queue/data')) return response;
    const late = new TransformStream({async transform(chunk, stream) {
      const [answers, end] = chunk.split(/(?=data: {"msg":"close_stream")/);
      stream.enqueue(answers.startsWith('data: {"msg":"close') ? '' : answers);
      const close = end ?? (answers.startsWith('data: {"msg":"close') ? answers : '');
      if (!close) return;
      window.ends += 1;
      await new Promise((done) => setTimeout(done, 300));
      stream.enqueue(close);
    }});
    const text = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(late);
    return new Response(text.pipeThrough(new TextEncoderStream()), {headers: response.headers});
  };
}"""


@pytest.fixture
def late(browser: Browser, page_url: str) -> Iterator[Site]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(f"({LATE})()")
    yield Site(page, page_url)
    context.close()


def test_what_is_asked_while_a_stream_ends_is_answered(late: Site) -> None:
    for right in ("blue", "green", "white"):
        late.upload_and_wait(halves(right=right), again=True)
    assert late.page.evaluate("ends") >= 3  # an upload and its run are one event
    # What came by streams that went on is as it would be without: words, point and address follow.
    words = [*late.words, "blue"]
    late.type_word("blue")
    late.wait_for_query(words=", ".join(words))
    assert late.words == words
