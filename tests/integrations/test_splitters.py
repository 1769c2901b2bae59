"""Splitters of LangChain, LlamaIndex, chonkie and spaCy on the paragraphs that `segment` finds."""

import copy
import pickle
import subprocess
import sys

import pytest

from segclf import Workspace, load_run, segment
from segclf.integrations.paragraphs import ParagraphFinder
from segclf.tasks.segment_options import SegmentOptions


@pytest.fixture
def paragraphs(trained, text):
    workspace = Workspace(trained / ".segtool")
    run = load_run(workspace, "mlp-w1-001")
    found = segment(text, workspace, run, layout="ignore", paragraphs=4).paragraphs()
    assert len(found) >= 4
    return [paragraph.strip() for paragraph in found]


def test_langchain_documents_are_paragraphs_with_their_position_in_the_text(
    finder, text, paragraphs
):
    from langchain_core.documents import Document

    from segclf.integrations.langchain import ParagraphTextSplitter

    splitter = ParagraphTextSplitter(finder, add_start_index=True)
    documents = splitter.split_documents([Document(text, metadata={"source": "new.txt"})])
    assert [document.page_content for document in documents] == paragraphs
    assert splitter.split_text(" \n") == []
    for document in documents:
        start = document.metadata["start_index"]
        assert text[start:].startswith(document.page_content)
        assert document.metadata["source"] == "new.txt"


def test_langchain_chunks_consist_of_whole_paragraphs(finder, text, paragraphs):
    from segclf.integrations.langchain import ParagraphTextSplitter

    limit = len(paragraphs[0]) + len(paragraphs[1]) + 2
    chunks = ParagraphTextSplitter(finder, chunk_size=limit).split_text(text)
    assert 1 < len(chunks) < len(paragraphs)
    assert "".join("".join(chunks).split()) == "".join(text.split())
    for chunk in chunks:
        assert len(chunk) <= limit or chunk in paragraphs
        assert any(chunk.startswith(paragraph) for paragraph in paragraphs)


def test_langchain_refuses_an_empty_chunk(finder):
    from segclf.integrations.langchain import ParagraphTextSplitter

    with pytest.raises(ValueError, match="chunk_size must be > 0"):
        ParagraphTextSplitter(finder, chunk_size=0)


def test_llama_index_nodes_are_paragraphs_linked_to_their_neighbours(finder, text, paragraphs):
    from llama_index.core.schema import Document

    from segclf.integrations.llama_index import ParagraphNodeParser

    nodes = ParagraphNodeParser(finder).get_nodes_from_documents([Document(text=text, id_="new")])
    assert [node.get_content() for node in nodes] == paragraphs
    assert {node.ref_doc_id for node in nodes} == {"new"}
    assert nodes[1].prev_node.node_id == nodes[0].node_id
    assert all(
        text[node.start_char_idx : node.end_char_idx] == node.get_content() for node in nodes
    )


def test_the_cache_of_llama_index_distinguishes_finders(trained, finder, text):
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.schema import Document

    from segclf.integrations.llama_index import ParagraphNodeParser

    options = SegmentOptions(layout="ignore", paragraphs=2)
    other = ParagraphFinder("mlp-w1-001", trained / ".segtool", options, threads=1)
    first = IngestionPipeline(transformations=[ParagraphNodeParser(finder)])
    second = IngestionPipeline(transformations=[ParagraphNodeParser(other)], cache=first.cache)
    documents = [Document(text=text, id_="new")]
    assert [len(pipeline.run(documents=documents)) for pipeline in (first, second)] == [4, 2]


def test_the_cache_of_llama_index_distinguishes_the_weights_of_a_run(finder):
    from segclf.integrations.llama_index import ParagraphNodeParser

    assert ParagraphNodeParser(finder).to_dict()["finder"]["fingerprint"] == finder.fingerprint


@pytest.mark.filterwarnings("ignore:Default value")  # of LlamaIndex, in the schema
def test_a_copy_of_a_llama_index_parser_has_its_finder(finder, text, paragraphs):
    from segclf.integrations.llama_index import ParagraphNodeParser

    parser = ParagraphNodeParser(finder, include_metadata=False)
    assert parser.split_text(text) == paragraphs
    for again in (
        pickle.loads(pickle.dumps(parser)),
        copy.deepcopy(parser),
        parser.model_copy(),
    ):
        assert again.split_text(text) == paragraphs
        assert not again.include_metadata
    assert ParagraphNodeParser.model_json_schema()["properties"]["finder"]["type"] == "object"


def test_chonkie_chunks_are_paragraphs_and_add_up_to_the_text(finder, text, paragraphs):
    from segclf.integrations.chonkie import ParagraphChunker

    chunker = ParagraphChunker(finder)
    chunks = chunker(text)
    assert [chunk.text.strip() for chunk in chunks] == paragraphs
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(text[chunk.start_index : chunk.end_index] == chunk.text for chunk in chunks)
    assert all(chunk.token_count == len(chunk.text) for chunk in chunks)
    assert [len(found) for found in chunker.chunk_batch([text, " "])] == [len(chunks), 0]


def test_spacy_sets_the_spans_of_paragraphs(trained, text):
    import spacy

    from segclf.integrations.spacy import ParagraphComponent  # registers the factory

    nlp = spacy.blank("xx")
    config = {"model": "mlp-w1-001", "workspace": str(trained / ".segtool"), "threshold": 0.0}
    component = nlp.add_pipe("segtool_paragraphs", config=config)
    assert isinstance(component, ParagraphComponent)
    english = "It rained on the town. The river rose. He left."
    doc = nlp(english)
    assert [span.text for span in doc.spans["paragraphs"]] == [
        "It rained on the town.",
        "The river rose.",
        "He left.",
    ]
    assert {span.label_ for span in doc.spans["paragraphs"]} == {"PARAGRAPH"}
    assert len(nlp("").spans["paragraphs"]) == 0


def test_a_ready_model_needs_no_workspace(tmp_path):
    code = (
        "from segclf.integrations.langchain import ParagraphTextSplitter\n"
        "print(ParagraphTextSplitter().split_text('雨が降る。「寒い」と言った。夜になった。'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "".join(eval(done.stdout)) == "雨が降る。「寒い」と言った。夜になった。"
    assert not any(tmp_path.iterdir())


def test_the_result_of_training_is_used_from_langchain(tmp_path, trained, segtool, text):
    done = segtool(trained, "export", "mlp-w1-001", str(tmp_path / "model"), "--with-encoder")
    assert done.returncode == 0, done.stderr
    from segclf.integrations.langchain import ParagraphTextSplitter

    splitter = ParagraphTextSplitter(ParagraphFinder(str(tmp_path / "model")))
    assert "".join("".join(splitter.split_text(text)).split()) == "".join(text.split())
