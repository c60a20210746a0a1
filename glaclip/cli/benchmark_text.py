"""What `benchmark` measured, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from glaclip.backbones.dtypes import ENOUGH, Record
from glaclip.benchmark.costs import WordCost
from glaclip.benchmark.growth import Growth, Yardstick
from glaclip.benchmark.processes import page_ratios
from glaclip.benchmark.ratios import Memory, Report, Row
from glaclip.benchmark.towers import PAPER, SMALL, Towers
from glaclip.cli.console import table
from glaclip.segmenter.agreement import Agreement


def times(report: Report) -> str:
    """Every step, with its ratio to the first of its group."""
    rows = [
        [row.group, row.name, f"{1000 * row.median:.1f}", f"{ratio:.2f}"]
        for row, ratio in zip(report.rows, report.ratios(), strict=True)
    ]
    shapes = report.shapes
    about = (
        f"{report.backbone['title']} on {report.backbone['device']}, {report.threads} threads; "
        f"{shapes['windows']} windows, {shapes['tokens']} tokens, keys {shapes['keys']}, values "
        f"{shapes['values']}, {shapes['prompts']} prompts.\nMedian of "
        f"{len(report.rows[0].seconds)}, taken in turns; ratio to the first row of the step."
    )
    heads = ["step", "", "milliseconds", "ratio"]
    return f"{table(heads, rows, left=(0, 1))}\n\n{about}"


def memory(found: Memory | None) -> str:
    """Memory of one call of `attend`."""
    if found is None:
        return "Memory of attention is measured on Linux only."
    _, _, key_size, value_size = found.shape
    return (
        f"Memory of attention, {found.tokens} tokens (keys of {key_size}, values of "
        f"{value_size}): {found.extra / 2**20:.0f} MB beyond {found.inputs / 2**20:.0f} MB of "
        f"inputs and {found.outputs / 2**20:.0f} MB of outputs; {found.seconds:.0f} s."
    )


def towers(found: Towers) -> str:
    """Encoding by the small pair beside the paper's, and what it should not pass."""
    first = found.rows[0].median
    rows = [[r.name, f"{1000 * r.median:.0f}", f"{r.median / first:.2f}"] for r in found.rows]
    return (
        f"{table(['encoding', 'milliseconds', 'ratio'], rows)}\n"
        f"{SMALL} as this computer runs it ({found.dtype}) takes {found.ratio:.2f} of {PAPER} in "
        f"float32; at most {found.most:.2f}. Processor time of one thread, median of "
        f"{len(found.rows[0].seconds)}."
    )


def yardstick(found: Yardstick) -> str:
    """Both precisions beside the dense formulation."""
    dense, *others = found.rows
    said = "; ".join(
        f"{row.name} {row.median:.3g} s ({dense.median / row.median:.1f} times as fast, "
        f"{found.apart[row.name]:.1g} apart)"
        for row in others
    )
    return f"Attention, {dense.group}: {dense.name} {dense.median:.3g} s; {said}."


def growth(found: Growth | None) -> str:
    """Sizes, and the exponents of time and memory."""
    if found is None:
        return "Growth is measured on Linux only."
    rows = [
        [f"{size.tokens:,}", f"{size.seconds:.2f}", f"{size.extra / 2**20:.0f}"]
        for size in found.sizes
    ]
    exponent = "" if found.memory is None else f", memory as N^{found.memory:.2f}"
    return (
        f"{table(['tokens', 'seconds', 'MB'], rows)}\n"
        f"Attention, {found.precision}: time grows as N^{found.time:.2f}{exponent}."
    )


def _shares(rows: Iterable[tuple[str, float, float]]) -> str:
    return table(
        ["photo", "on", "off"], [[name, f"{on:.4%}", f"{off:.4%}"] for name, on, off in rows]
    )


def agreement(shares: Sequence[Agreement]) -> str:
    """Labels equal in both precisions."""
    on, off = (
        sum(each) / len(shares) for each in zip(*((s.on, s.off) for s in shares), strict=True)
    )
    return (
        f"{_shares((share.photo, share.on, share.off) for share in shares)}\n"
        f"Labels equal in both precisions: {on:.4%} with all switches on, {off:.4%} each "
        "window alone."
    )


def dtype_agreement(record: Record, kept: bool) -> str:
    """Labels equal in both types, and whether that is enough to choose the narrower one."""
    off = sum(record.off.values()) / len(record.off)
    verdict = "enough" if record.share >= ENOUGH else "too few"
    said = "" if kept else " There is no folder to keep this in (GLACLIP_CACHE)."
    random = " of random weights" if record.weights == "random" else ""
    return (
        f"{_shares((photo, on, record.off[photo]) for photo, on in record.on.items())}\n"
        f"Labels{random} equal in {record.dtype} and float32: {record.share:.4%} with all switches "
        f"on, {off:.4%} each window alone; --dtype auto asks for {ENOUGH:.1%} of the first: "
        f"{verdict}.{said}"
    )


def words(found: WordCost) -> str:
    """First and second start with a list."""
    equal = "equal to the last bit" if found.equal else "NOT equal"
    return (
        f"Longest shipped list, {found.words} words, {found.texts:,} texts: first start "
        f"{found.first:.2f} s, second start {found.second:.4f} s (ratio "
        f"{found.second / found.first:.5f}), {equal}."
    )


def start(rows: Sequence[Row], heading: str = "start-up") -> str:
    """Milliseconds of parts."""
    return table([heading, "milliseconds"], [[r.name, f"{1000 * r.median:.0f}"] for r in rows])


def page(rows: Sequence[Row]) -> str:
    """Milliseconds of waiting, and their ratios beside what they should not pass."""
    ratios = [
        [f"{name} / {by}", f"{ratio:.2f}", f"{most:g}"]
        for name, by, ratio, most in page_ratios(rows)
    ]
    return f"{start(rows, 'page in a browser')}\n\n{table(['page', 'ratio', 'at most'], ratios)}"
