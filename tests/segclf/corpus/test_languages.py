"""The language of a text."""

import pytest

from segclf.corpus.languages import guess_language
from tests.segclf.corpus.texts import read, write

TEXTS = {
    "ja": "雨が降っていた。",
    "ko": "비가 내렸다.",
    "zh": "下雨了。",
    "en": "It had rained all day, and nobody was in the street. The lamps were lit early. "
    "A woman stood at the window and watched the water run down the glass. She had waited for the "
    "letter since the morning, but the postman had not come.",
    "fr": "Il avait plu toute la journée, et personne n'était dans la rue. On avait allumé les "
    "lampes de bonne heure. Une femme se tenait à la fenêtre et regardait l'eau couler sur la "
    "vitre. Elle attendait la lettre depuis le matin, mais le facteur n'était pas venu.",
    "de": "Es hatte den ganzen Tag geregnet, und niemand war auf der Straße. Die Lampen brannten "
    "früh. Eine Frau stand am Fenster und sah zu, wie das Wasser an der Scheibe hinunterlief. Sie "
    "wartete seit dem Morgen auf den Brief, aber der Briefträger war nicht gekommen.",
    "es": "Había llovido todo el día y no había nadie en la calle. Las lámparas se encendieron "
    "temprano. Una mujer estaba junto a la ventana y miraba cómo el agua corría por el cristal. "
    "Esperaba la carta desde la mañana, pero el cartero no había venido.",
    "ru": "Весь день шёл дождь, и на улице никого не было. Лампы зажгли рано. Женщина стояла у "
    "окна и смотрела, как вода стекает по стеклу. Она ждала письма с самого утра, но почтальон "
    "так и не пришёл, и она начала беспокоиться.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_of_a_text_is_guessed(language):
    assert guess_language(TEXTS[language]) == language


@pytest.mark.parametrize("quoted", ["の", "道", "한"])
def test_a_quoted_character_does_not_decide_the_language(quoted):
    assert guess_language(f"{TEXTS['en']} He wrote {quoted} on the wall.") == "en"
    assert guess_language(f"{TEXTS['de']} Er schrieb {quoted} an die Wand.") == "de"


def test_a_chinese_text_may_contain_a_japanese_name_and_a_japanese_one_latin_letters():
    assert guess_language("下雨了,他走进一家商店,看到墙上写着优の良品。" * 3) == "zh"
    assert guess_language("彼は Windows Update を実行した。") == "ja"


def test_short_texts_and_languages_without_sentence_rules_default_to_english():
    assert guess_language("Déjà vu.") == "en"
    assert guess_language("") == "en"
    latin = "Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani, "
    assert guess_language(latin * 5) == "en"


def test_the_guess_decides_how_a_corpus_is_split_into_sentences(tmp_path):
    text = TEXTS["de"] + " Er kam am 3. Oktober um 5 Uhr an.\n"
    path = write(tmp_path, text)
    assert "Er kam am 3. Oktober um 5 Uhr an." in read(path).sentences
    english = read(path, language="en").sentences
    assert "Er kam am 3. Oktober um 5 Uhr an." not in english
