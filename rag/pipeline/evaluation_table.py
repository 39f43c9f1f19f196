"""The report of an evaluation, for reading."""

from rag.engine.metrics import Quality
from rag.pipeline.evaluate import Report

GROUPS = {"en": "English", "fr_en": "French on English", "fr_fr": "French on French"}


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
        f"{report.sections} sections, {report.chunks} chunks, indexed in {report.index_s} s by {report.model}",
    ]
    return "\n".join(lines)


def _show(quality: Quality | None) -> str:
    if quality is None:
        return "no data"
    return " ".join(f"{getattr(quality, field):.3f}" for field in Quality.__struct_fields__)
