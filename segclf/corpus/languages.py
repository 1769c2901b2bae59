"""The language of a text, and the languages that sentencex has rules for.

For other codes, sentencex silently uses the English rules.
"""

import re
from collections.abc import Collection, Sequence

from embedcache import UserError
from embedcache.words.scripts import KANA

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
_ENGLISH_RULES = "ko zh"  # detected from the script; the English rules suffice for them
_KNOWN = frozenset((_OWN_RULES + _RULES_OF_A_RELATED_LANGUAGE + _ENGLISH_RULES).split())

_HAN = re.compile("[一-鿿]")
_HANGUL = re.compile("[가-힣]")
_MIN_SHARE = 0.1  # of the letters; a text in a Latin script may quote a few characters
_MIN_KANA = 0.05  # share of kana in Japanese; a Chinese text may contain a Japanese name
_SAMPLE_CHARACTERS = 2000
_SAMPLE_SENTENCES = 100  # in most texts, they contain at least _SAMPLE_CHARACTERS characters
_MIN_LETTERS = 100  # in shorter texts, names and loanwords mislead the classifier


def guess_language(text: str) -> str:
    """Guess the language code of a text from its first 2,000 characters.

    The script of most characters decides for Japanese, Korean and Chinese. For other texts,
    py3langid decides (Lui and
    Baldwin 2012, "langid.py"), but "en" is returned for short texts and for languages for which
    sentencex has no rules of its own.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    letters = sum(map(str.isalpha, sample))
    kana, han, hangul = (len(script.findall(sample)) for script in (KANA, _HAN, _HANGUL))
    if kana + han + hangul > _MIN_SHARE * letters:
        if hangul > kana + han:
            return "ko"
        return "ja" if kana > _MIN_KANA * (kana + han) else "zh"
    if letters < _MIN_LETTERS:
        return "en"
    from py3langid import classify  # loading its model takes half a second

    language = str(classify(sample)[0])
    return language if language in _OWN_RULES.split() else "en"


def unexpected_language(text: str, languages: Collection[str]) -> str | None:
    """Return the language of a text if the text is certainly not in any of the given languages.

    Args:
        text: Whole text.
        languages: Codes of the given languages.

    Returns:
        Code of the language of the text; None if the text may be in one of the given languages.
    """
    language = guess_language(text)
    letters = sum(map(str.isalpha, text[:_SAMPLE_CHARACTERS]))
    is_certain = language in ("ja", "ko", "zh") or letters >= _MIN_LETTERS
    return language if is_certain and language not in languages else None


def language_warning(
    model: str, trained_languages: Collection[str], language: str | None
) -> str | None:
    """Return a warning if the language of a text is not one that a model was trained on.

    Otherwise, return None.

    Args:
        model: Name of the model.
        trained_languages: Codes of the languages that the model was trained on; empty if unknown.
        language: Code of the language of the text; None if it is not certain.
    """
    if not trained_languages or language is None or language in trained_languages:
        return None
    return (
        f"the language of the text is {language}, but {model} was trained on "
        f"{', '.join(trained_languages)}: the paragraphs may be wrong; use a model for this "
        "language if there is one"
    )


def guess_language_of_sentences(sentences: Sequence[str]) -> str:
    """Guess the language code of consecutive sentences; see `guess_language`."""
    return guess_language(" ".join(sentences[:_SAMPLE_SENTENCES]))


def check_language(code: str | None) -> None:
    """Check that sentencex has suitable rules for a language. None is always accepted.

    Raises:
        UserError: There are no suitable rules; the message lists the languages with rules of their
            own.
    """
    if code is not None and code not in _KNOWN:
        raise UserError(
            f"sentencex has no rules for the language {code!r}: leave out the language, or use one "
            f"of {', '.join(_OWN_RULES.split())}"
        )
