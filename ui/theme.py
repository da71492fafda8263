"""Colours, type and spacing of the window: Gradio's theme variables plus one style sheet. No network fonts."""

from __future__ import annotations

from typing import Any

import gradio as gr

from .components import asset

ACCENT = gr.themes.Color(
    c50="#eefaf8", c100="#d3f1ec", c200="#a8e3db", c300="#74cfc4", c400="#41b3a8", c500="#1f968c", c600="#137970",
    c700="#12615b", c800="#134e4a", c900="#143f3c", c950="#062624", name="accent")
NEUTRAL = gr.themes.Color(
    c50="#f8f9f9", c100="#f0f2f2", c200="#e1e5e5", c300="#c9d0d0", c400="#97a2a3", c500="#6b7778", c600="#4f5a5b",
    c700="#384243", c800="#232b2c", c900="#171d1e", c950="#0f1415", name="neutral")


def studio_theme() -> gr.themes.Base:
    """Quiet surfaces, hairline borders, one accent."""
    theme = gr.themes.Base(
        primary_hue=ACCENT, secondary_hue=ACCENT, neutral_hue=NEUTRAL, radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md, spacing_size=gr.themes.sizes.spacing_md,
        font=(gr.themes.Font("Studio Sans"), "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"))
    theme.name = "studio"
    return theme.set(**_surfaces(), **_controls(), **_buttons())


def _surfaces() -> dict[str, Any]:
    return {
        "body_background_fill": "*neutral_50", "body_background_fill_dark": "*neutral_950",
        "body_text_color": "*neutral_900", "body_text_color_dark": "*neutral_100",
        "body_text_color_subdued": "*neutral_500", "body_text_color_subdued_dark": "*neutral_400",
        "background_fill_primary": "white", "background_fill_primary_dark": "*neutral_900",
        "background_fill_secondary": "*neutral_100", "background_fill_secondary_dark": "*neutral_800",
        "border_color_primary": "*neutral_200", "border_color_primary_dark": "#2b3435",
        "block_background_fill": "*background_fill_primary", "block_background_fill_dark": "*background_fill_primary",
        "block_border_width": "0px", "block_border_width_dark": "0px", "block_shadow": "none",
        "block_label_text_weight": "600", "block_title_text_weight": "600",
        "block_title_text_color": "*neutral_700", "block_title_text_color_dark": "*neutral_200",
        "block_label_text_color": "*neutral_700", "block_label_text_color_dark": "*neutral_200",
        "block_title_text_size": "*text_sm", "block_info_text_size": "*text_sm",
        "block_info_text_color": "*neutral_500", "block_info_text_color_dark": "*neutral_400",
        "panel_border_width": "0px", "layout_gap": "14px", "form_gap_width": "0px",
        "color_accent_soft": "*primary_50", "color_accent_soft_dark": "#15302e",
        "link_text_color": "*primary_700", "link_text_color_dark": "*primary_300",
        "link_text_color_hover": "*primary_800", "link_text_color_hover_dark": "*primary_200",
        "link_text_color_visited": "*primary_700", "link_text_color_visited_dark": "*primary_300",
    }


def _controls() -> dict[str, Any]:
    return {
        "input_background_fill": "white", "input_background_fill_dark": "#1c2324",
        "input_radius": "8px", "input_border_width": "1px",
        "input_border_color": "*neutral_300", "input_border_color_dark": "#364142",
        "input_border_color_focus": "*primary_500", "input_border_color_focus_dark": "*primary_400",
        "input_shadow": "none", "input_shadow_focus": "0 0 0 3px rgba(31,150,140,.18)",
        "input_shadow_focus_dark": "0 0 0 3px rgba(65,179,168,.25)",
        "input_placeholder_color": "*neutral_500", "input_placeholder_color_dark": "*neutral_400",
        "slider_color": "*primary_600", "slider_color_dark": "*primary_400",
        "checkbox_background_color_selected": "*primary_600", "checkbox_background_color_selected_dark": "*primary_500",
        "checkbox_border_color": "*neutral_400", "checkbox_border_color_dark": "*neutral_500",
        "checkbox_label_background_fill": "transparent", "checkbox_label_background_fill_dark": "transparent",
        "checkbox_label_background_fill_selected": "*color_accent_soft",
        "checkbox_label_background_fill_selected_dark": "*color_accent_soft",
        "checkbox_label_border_width": "1px", "checkbox_label_border_color": "*neutral_300",
        "checkbox_label_border_color_dark": "#364142",
        "checkbox_label_border_color_selected": "*primary_500",
        "checkbox_label_border_color_selected_dark": "*primary_400",
    }


def _buttons() -> dict[str, Any]:
    return {
        "button_border_width": "1px", "button_large_text_weight": "600", "button_large_radius": "8px",
        "button_small_radius": "8px",
        "button_small_text_size": "14px", "button_small_text_weight": "500", "button_medium_radius": "8px",
        "button_primary_background_fill": "*primary_600", "button_primary_background_fill_dark": "*primary_500",
        "button_primary_background_fill_hover": "*primary_700",
        "button_primary_background_fill_hover_dark": "*primary_400",
        "button_primary_border_color": "transparent", "button_primary_border_color_dark": "transparent",
        "button_primary_text_color": "white", "button_primary_text_color_dark": "*neutral_950",
        "button_secondary_background_fill": "white", "button_secondary_background_fill_dark": "#1c2324",
        "button_secondary_background_fill_hover": "*neutral_100",
        "button_secondary_background_fill_hover_dark": "*neutral_800",
        "button_secondary_border_color": "*neutral_300", "button_secondary_border_color_dark": "#364142",
        "button_secondary_text_color": "*neutral_800", "button_secondary_text_color_dark": "*neutral_100",
    }


def style_sheet() -> str:
    return asset("window.css") + asset("attempts.css")


HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<script>
(() => {
  let theme = null;
  try { theme = localStorage.getItem('wgp-theme'); } catch { return; }
  const url = new URL(location.href);
  if (!theme || theme === 'system' || url.searchParams.has('__theme')) return;
  url.searchParams.set('__theme', theme);
  history.replaceState(null, '', url);
})();
</script>
"""
"""Sets the last colour scheme before the page is drawn, so that a dark window does not flash white."""
