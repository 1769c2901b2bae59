"""Languages that sentencex has rules for. For other codes, it silently uses the English rules."""

from embedcache import UserError

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
