"""How well a text is made for its job type, 0 to 1, by what it names; whether it is true is for `fidelity` to say."""

from __future__ import annotations

import re

from .enhancement import JobType, Quality, QualityScore
from .job_types import JobTypeSpec, spec_of

_PATTERNS = {
    "has_quality_tags": r"masterpiece|(?:best|high(?:est)?|professional|premium|award-winning|"
                        r"production)[- ](?:quality|grade)|(?:highly|intricate(?:ly)?|extremely|finely|"
                        r"ultra)[- ]?detail(?:ed)?|intricate detail|sharp focus|award-winning|anatomical(?:ly)? \w+|"
                        r"(?:correct|accurate) (?:anatomy|proportions)|studio quality",
    "has_lighting": r"light(?:s|ing|ed)?|lit|backlit|backlight|sunlit|sunlight|moonlight|candlelight|firelight|"
                    r"lamplight|shadows?|glow(?:s|ing)?|golden hour|blue hour|chiaroscuro|softbox|lamps?|neon|"
             r"illuminat\w+|"
                    r"luminous|sunset|sunrise|high-key|low-key|rim light|caustics?",
    "has_technical_terms": r"\d+ ?mm|f/?\d(?:\.\d)?|lens|bokeh|depth of field|focus|aperture|telephoto|macro|"
                           r"anamorphic|wide-angle|rule of thirds|composition|perspective|sharpness|silhouette|framing|"
             r"exposure|alexa|"
                           r"leica|hasselblad|sony|canon|fujifilm|red komodo|kodak|ilford|cinestill|portra|film grain|"
                           r"camera|negative space|hierarchy|close-up|leading lines|symmetr\w+|colou?r (?:science|"
                           r"grad\w+)|palette",
    "has_resolution": r"\d+k\b|uhd|hdr|full hd|1080p|2160p|720p|(?:high|ultra|native|full)[- \w]{0,12}(?:resolution|"
                      r"definition)|resolution|megapixels?",
    "has_motion": r"motion|mov(?:es?|ing|ements?)|drift(?:s|ing)?|flow(?:s|ing)?|momentum|slow[- ]mo\w*|\d+ fps|"
                  r"ripples?|rippling|swirl(?:s|ing)?|sway(?:s|ing)?|float(?:s|ing)?|fluid|ris(?:es|ing)|fall(?:s|"
                  r"ing)|glid(?:es?|ing)|unfold(?:s|ing)?|stirring|curling|spreading|parallax|pace|(?:runn?|walk|"
                  r"spinn?|roll|jump|climb|fly|swimm?|turn|drift|crawl|gallop|sprint)(?:s|ing)|(?:bounc|danc|driv|rid|"
                  r"rac|chas|rotat|glid|slid|div)(?:es|ing)|flies",
    "has_cinematography": r"shot|close-?up|camera|dolly|pan(?:s|ning)?|tilt(?:s|ing)?|crane|tracking|zoom(?:s|ing)?|"
                          r"handheld|gimbal|lens|\d+ ?mm|anamorphic|framing|composition|depth of field|bokeh|wide|"
                          r"low-angle|high-angle|aerial|view|push-in|pull-back|arc|rule of thirds|static|steadicam|"
                          r"cinematic|rim light|backlit|light(?:ing)?|highlights|lateral slide|parallax|lamps?|"
             r"perspective",
    "has_temporal_consistency": r"consisten\w+|temporal\w*|stable|stability|continu(?:ity|ous(?:ly)?)|coherent|"
                                r"flicker-free|seamless\w*|smooth(?:ly)?|steady|steadily|uninterrupted|unbroken|"
                                r"throughout",
    "has_quality_terms": r"(?:high|professional|production|cinematic|broadcast)[- ](?:\w+ )?(?:quality|detail|"
                         r"definition)|4k|8k|(?:highly |finely |richly )detailed|high detail|sharp|crisp|cinematic|"
                         r"masterpiece|high-quality|high resolution|photorealistic|professional",
}
_ELEMENTS = {name: re.compile(rf"(?<![\w-])(?:{pattern})(?!\w)", re.IGNORECASE) for name, pattern in _PATTERNS.items()}
_TOO_SHORT, _FULL_FROM = 4, 12


def score(text: str, job_type: JobType, quality: Quality = Quality.FAST) -> QualityScore:
    """What the text has of the job type's elements, weighted; a reason for each that is missing.

    A text of fewer than twelve words loses up to a third: there is little that a model could go by.
    """
    spec = spec_of(job_type, quality)
    found = elements(text, spec)
    value = sum(spec.weights[name] for name, there in found.items() if there)
    reasons = [_REASONS[name] for name, there in found.items() if not there]
    words = len(text.split())
    if words < _FULL_FROM:
        value *= 2 / 3 + max(words - _TOO_SHORT, 0) / (_FULL_FROM - _TOO_SHORT) / 3
        reasons.append(f"Short: {words} words say little about how it should look.")
    return QualityScore(round(min(max(value, 0.0), 1.0), 3), found, tuple(reasons))


def elements(text: str, spec: JobTypeSpec) -> dict[str, bool]:
    """Which elements of the job type the text has."""
    return {name: bool(_ELEMENTS[name].search(text)) for name in spec.weights}


_REASONS = {
    "has_quality_tags": "No quality words, such as \"highly detailed\".",
    "has_lighting": "No light: where it comes from, hard or soft.",
    "has_technical_terms": "No lens, camera or composition.",
    "has_resolution": "No resolution, such as \"8k\".",
    "has_motion": "Nothing about how things move.",
    "has_cinematography": "No shot size, camera move or light.",
    "has_temporal_consistency": "Nothing asks for a steady look from frame to frame.",
    "has_quality_terms": "No quality words, such as \"sharp\" or \"high detail\".",
}
