"""What a visitor may do wrong, and the sentence that the page answers with."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from html import escape

from glaclip.backbones.base import BackboneError
from glaclip.evaluation.data.errors import DatasetError
from glaclip.photo import PhotoError
from glaclip.serving.limits import LimitError
from glaclip.serving.runs import StoppedError
from glaclip.settings import SettingsError
from glaclip.ui.form import LABELS
from glaclip.ui.gradio.quick import gr
from glaclip.ui.viewers.photo_input import LostPhotoError
from glaclip.vocabulary import VocabularyError

_LOG = logging.getLogger(__name__)
#: What a visitor may cause; each carries a sentence for the page.
REFUSALS = (
    PhotoError, VocabularyError, DatasetError, SettingsError, BackboneError, LimitError, gr.Error,
)  # fmt: skip

#: What a fault of this program looks like from outside; the server's log has the rest.
UNFORESEEN = "Something went wrong on this server; what was there before is still shown."


def sentence(error: Exception) -> str:
    """What a refusal says to the visitor, with the page's names of its controls."""
    if isinstance(error, SettingsError):
        return error.named(LABELS)
    if isinstance(error, BackboneError):
        return error.brief
    if isinstance(error, DatasetError):  # on a page a sentence starts with a capital
        return str(error)[:1].upper() + str(error)[1:]
    return str(error.message) if isinstance(error, gr.Error) else str(error)


def about(error: Exception) -> str:
    """The id of the controls that a refusal is about; "" where it is about none of them."""
    groups = (
        (LostPhotoError, "lost-photo"),  # no controls: the browser sends it again
        (VocabularyError, "words-group"),
        (SettingsError, "advanced-group"),
        ((PhotoError, gr.Error), "photo-group"),
    )
    return next((group for kinds, group in groups if isinstance(error, kinds)), "")


@contextlib.contextmanager
def refusals_as_toasts() -> Iterator[None]:
    """Turns refusals within into messages on the page, which gradio renders as HTML.

    A handler that was stopped changes nothing.
    """
    try:
        yield
    except StoppedError:
        return
    except REFUSALS as error:
        raise gr.Error(escape(sentence(error), quote=False), print_exception=False) from None


@contextlib.contextmanager
def faults_hidden() -> Iterator[None]:
    """Turns what nobody foresaw into a sentence without a path or a trace."""
    try:
        yield
    except (gr.Error, StoppedError):
        raise
    except Exception:
        _LOG.exception("a handler failed")
        raise gr.Error(UNFORESEEN, print_exception=False) from None
