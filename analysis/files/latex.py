"""The table of win rates for a paper, in LaTeX with booktabs."""

from __future__ import annotations

from analysis.core.results import ModelPairResult, StudyReport

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def win_rate_table(report: StudyReport) -> str:
    """One row per model pair and axis: win rate, its 95 % interval, prompts, kappa."""
    rows = "\n".join(_row(result) for result in report.results)
    simulated = (
        "% The votes are simulated; no person judged.\n" if report.settings.simulated else ""
    )
    return (
        f"% {escaped(report.settings.title)}: needs \\usepackage{{booktabs}}\n{simulated}"
        "\\begin{tabular}{llllrrr}\n\\toprule\n"
        "Model A & Model B & Asked & Win rate of A (\\%) & 95\\,\\% interval & Prompts & "
        "Fleiss' $\\kappa$ \\\\\n\\midrule\n"
        f"{rows}\n\\bottomrule\n\\end{{tabular}}\n"
    )


def escaped(text: str) -> str:
    """Text with LaTeX's special characters made plain, on one line."""
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def _row(result: ModelPairResult) -> str:
    rate, kappa = result.headline, result.agreement.fleiss_kappa.value
    bounds = rate.interval
    cells = (
        escaped(result.model_a),
        escaped(result.model_b),
        escaped(result.axis),
        "--" if rate.value is None else f"{100 * rate.value:.1f}",
        "--" if bounds is None else f"{100 * bounds.lower:.1f}--{100 * bounds.upper:.1f}",
        str(result.prompts),
        "--" if kappa is None else f"{kappa:.2f}",
    )
    return " & ".join(cells) + r" \\"
