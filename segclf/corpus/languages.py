"""Which languages sentencex has rules for; it takes every other code for English without a word."""

from embedcache import UserError

_WITH_RULES = """
am ar bg bn ca da de el en es fi fr gu hi hy it ja kk kn ml mr my nl pa pl pt ru sk ta te uk
"""
_WITH_RULES_OF_ANOTHER = """
aae ab acm aeb als alt an anp apc arn arq ary arz ast atj av avk awa ay ba bar bci blk bm bpy
bxr ce co cs csb cv de-at de-ch dsb dua egl eml ext fit fon frc frp frr fur gcf gcr gl gld gn
gsw guc hke hrx hsb ht hyw inh jut kab kbp kea kjh kjp kl koi krc krl ksh ksw kum kv lad lb lbe
lez li lij lld ln lua mag mai mdf mg mhr mnw mrj mwl myv nah nap nds oc olo os pcd pdc pdt pfl
pms pnt pt-br qu qug rgn rm rue rut sa sah scn sdc ses sg sjd sli smn srn sro stq sty szl tcy
tet ty tyv udm vec vls vmf vmw vot wa wls wo xal zea
"""
_GUESSED = "ko zh"  # the general rules do for them
_KNOWN = frozenset((_WITH_RULES + _WITH_RULES_OF_ANOTHER + _GUESSED).split())


def check_language(code: str | None) -> None:
    """Refuse a language code that sentencex has no rules for; None is any.

    Raises:
        UserError: there are no rules; the message names the languages that have some of their own.
    """
    if code is not None and code not in _KNOWN:
        raise UserError(
            f"sentencex has no rules for the language {code!r}: leave it out for general rules, or "
            f"take one of {', '.join(_WITH_RULES.split())}"
        )
