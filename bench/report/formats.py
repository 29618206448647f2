"""Numbers as text, for tables and pages; empty where unknown."""


def figure_of(value: float | None) -> str:
    """Three significant digits, and always all digits before the point."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def number(value: float | None, form: str) -> str:
    """In this format."""
    return "" if value is None else format(value, form)


def within(scenario: str, slug: str) -> str:
    """A cell's slug where its scenario is said already."""
    return "-".join(part for part in slug.split("-") if part != scenario)
