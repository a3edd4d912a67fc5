"""What a drawn figure shows."""

from matplotlib.figure import Figure
from matplotlib.text import Text


def texts(figure: Figure) -> str:
    """All words of a drawn figure."""
    figure.draw_without_rendering()
    return "| " + " | ".join(text.get_text() for text in figure.findobj(Text) if text.get_visible()) + " |"


def limits(figure: Figure) -> set[tuple[float, float]]:
    """Colour limits of all its images."""
    return {image.get_clim() for axes in figure.axes for image in axes.images}
