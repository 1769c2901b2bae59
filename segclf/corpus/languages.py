"""The language of a text, and the languages that sentencex has rules for.

For other codes, sentencex silently uses the English rules.
"""

import re
from collections.abc import Collection, Sequence

from embedcache import UserError
from embedcache.words.tokenizers import has_kana

_OWN_RULES = """
am ar bg bn ca da de el en es fi fr gu hi hy it ja kk kn ml mr my nl pa pl pt ru sk ta te uk
"""
_RULES_OF_A_RELATED_LANGUAGE = """
aae ab acm aeb als alt an anp apc arn arq ary arz ast atj av avk awa ay ba bar bci blk bm bpy
bxr ce co cs csb cv de-at de-ch dsb dua egl eml ext fit fon frc frp frr fur gcf gcr gl gld gn
gsw guc hke hrx hsb ht hyw inh jut kab kbp kea kjh kjp kl koi krc krl ksh ksw kum kv lad lb lbe
lez li lij lld ln lua mag mai mdf mg mhr mnw mrj mwl myv nah nap nds oc olo os pcd pdc pdt pfl
pms pnt pt-br qu qug rgn rm rue rut sa sah scn sdc ses sg sjd sli smn srn sro stq sty szl tcy
tet ty tyv udm vec vls vmf vmw vot wa wls wo xal zea
"""
_GENERAL_RULES = "ko zh"  # detected from the script; the general rules suffice for them
_KNOWN = frozenset((_OWN_RULES + _RULES_OF_A_RELATED_LANGUAGE + _GENERAL_RULES).split())

_HAN = re.compile("[一-鿿]")
_HANGUL = re.compile("[가-힣]")
_SAMPLE_CHARACTERS = 2000
_SENTENCES = 100  # contain that many characters in most texts
_MIN_LETTERS = 100  # in shorter texts, names and loanwords mislead the classifier


def guess_language(text: str) -> str:
    """Guess the language code of a text from its first 2000 characters.

    The script decides for Japanese, Korean and Chinese. For other texts, py3langid decides (Lui and
    Baldwin 2012, "langid.py"), but "en" is returned for short texts and for languages for which
    sentencex has no rules of its own.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    if has_kana(sample):
        return "ja"
    if _HANGUL.search(sample):
        return "ko"
    if _HAN.search(sample):
        return "zh"
    if sum(map(str.isalpha, sample)) < _MIN_LETTERS:
        return "en"
    from py3langid import classify  # loading its model takes half a second

    language = str(classify(sample)[0])
    return language if language in _OWN_RULES.split() else "en"


def other_language(text: str, languages: Collection[str]) -> str | None:
    """Return the language code of a text if it is certainly none of some languages; else None."""
    language = guess_language(text)
    letters = sum(map(str.isalpha, text[:_SAMPLE_CHARACTERS]))
    is_certain = language in ("ja", "ko", "zh") or letters >= _MIN_LETTERS
    return language if is_certain and language not in languages else None


def language_warning(model: str, own: Collection[str], language: str | None) -> str | None:
    """Say that a model was trained on other languages; None if it was not.

    Args:
        model: Name of the model.
        own: Codes of the languages that it was trained on; empty if they are unknown.
        language: Code of the language of a text; None if it is not certain.
    """
    if not own or language is None or language in own:
        return None
    return (
        f"the language of the text is {language}, but {model} was trained on {', '.join(own)}: "
        "expect wrong paragraphs, or choose another model"
    )


def guess_language_of(sentences: Sequence[str]) -> str:
    """Guess the language code of consecutive sentences; see `guess_language`."""
    return guess_language(" ".join(sentences[:_SENTENCES]))


def check_language(code: str | None) -> None:
    """Check that sentencex has rules for a language code. None is always accepted.

    Raises:
        UserError: There are no rules for the language; the message lists the main languages.
    """
    if code is not None and code not in _KNOWN:
        raise UserError(
            f"sentencex has no rules for the language {code!r}: omit it, or use one of "
            f"{', '.join(_OWN_RULES.split())}"
        )
