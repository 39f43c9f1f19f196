"""What an evaluation found: as numbers for `--json`, as a table for people."""

from collections.abc import Sequence

from msgspec import Struct

from rag.engine.metrics import Quality, average, measure, percentile, refused_at
from rag.pipeline.evaluate import Outcome

KEPT = 0.95
GROUPS = {"en": "English", "fr_en": "French on English", "fr_fr": "French on French"}
BASELINES = ("bm25", "rrf_60")
ByGroup = dict[str, Quality | None]


class Times(Struct, frozen=True):
    p50_ms: float
    p95_ms: float


class Report(Struct, frozen=True, kw_only=True):
    """`p50_ms` and `p95_ms` are of retrieval alone, `search_cpu` of the asking process; null: there is no such question
    in the file.
    """

    en: Quality | None
    fr_en: Quality | None
    fr_fr: Quality | None
    refusal_at_95: float | None
    p50_ms: float
    p95_ms: float
    with_embedding: Times
    search_cpu: Times
    baselines: dict[str, ByGroup]
    by_type: dict[str, ByGroup]
    questions: int
    unanswerable: int
    sections: int
    chunks: int
    model: str
    index_s: float


def make_report(outcomes: Sequence[Outcome], *, sections: int, chunks: int, model: str, index_s: float) -> Report:
    answerable = [one for one in outcomes if one.question.relevant]
    unanswerable = [one for one in outcomes if not one.question.relevant]
    search = _time([one.search_ms for one in outcomes])
    return Report(
        **_measure(answerable, "product"),
        refusal_at_95=refused_at(
            KEPT, answerable=[one.evidence for one in answerable], unanswerable=[one.evidence for one in unanswerable]
        ),
        p50_ms=search.p50_ms,
        p95_ms=search.p95_ms,
        with_embedding=_time([one.whole_ms for one in outcomes]),
        search_cpu=_time([one.search_cpu_ms for one in outcomes]),
        baselines={system: _measure(answerable, system) for system in BASELINES},
        by_type={
            kind: _measure([one for one in answerable if one.question.type == kind], "product")
            for kind in sorted({one.question.type for one in answerable})
        },
        questions=len(outcomes),
        unanswerable=len(unanswerable),
        sections=sections,
        chunks=chunks,
        model=model,
        index_s=index_s,
    )


def draw_table(report: Report) -> str:
    rows = [("product", {group: getattr(report, group) for group in GROUPS})]
    rows += list(report.baselines.items())
    rows += [(f"product, {kind}", found) for kind, found in report.by_type.items()]
    lines = [f"{'nDCG@10 / S@5 / R@5 / MRR':26}" + "".join(f"{name:>27}" for name in GROUPS.values())]
    lines += [f"{name:26}" + "".join(f"{_show(found[group]):>27}" for group in GROUPS) for name, found in rows]
    refused = "no data" if report.refusal_at_95 is None else f"{report.refusal_at_95:.2f}"
    lines += [
        f"Unanswerable questions refused while 95 % of the others are kept: {refused} (of {report.unanswerable})",
        f"Retrieval: p50 {report.p50_ms:.1f} ms, p95 {report.p95_ms:.1f} ms",
        f"With embedding: p50 {report.with_embedding.p50_ms:.1f} ms, p95 {report.with_embedding.p95_ms:.1f} ms",
        f"Processor time of the asking process: p50 {report.search_cpu.p50_ms:.1f} ms",
        f"{report.sections} sections, {report.chunks} chunks, indexed in {report.index_s} s by {report.model}",
    ]
    return "\n".join(lines)


def _measure(outcomes: Sequence[Outcome], system: str) -> ByGroup:
    return {
        group: average([
            measure(one.rankings[system], one.question.relevant) for one in outcomes if one.question.group == group
        ])
        for group in GROUPS
    }


def _time(values_ms: Sequence[float]) -> Times:
    return Times(percentile(values_ms, 0.50), percentile(values_ms, 0.95))


def _show(quality: Quality | None) -> str:
    if quality is None:
        return "no data"
    return " ".join(f"{getattr(quality, field):.3f}" for field in Quality.__struct_fields__)
