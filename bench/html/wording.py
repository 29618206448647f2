"""Numbers as text."""


def figure_of(value: float | None) -> str:
    """Three digits, and no fewer than stand before the point; empty for what is not known."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
