// Where texts come from: the field, files that are opened or dropped, and examples.

import * as api from "./api.js";
import { element } from "./state.js";

const EXAMPLES = {
  ja: "朝の市場は霧に包まれていた。魚を積んだ荷車が、濡れた石畳の上をゆっくりと進んでいく。店主たちはまだ口を開かず、手だけを動かしていた。湯気の立つ鍋のそばで、老人が一人、茶碗を両手で包んでいる。その日、弓子は初めてこの市場に来た。祖母に頼まれた干し椎茸を買うためである。紙に書かれた店の名前は、滲んで半分しか読めなかった。「山なんとか、という店を知りませんか。」彼女は茶を飲んでいる老人に尋ねた。「山のつく店なら七軒ある。」老人は顔を上げずに答えた。「干し椎茸を売っている店です。」「それなら四軒だ。」弓子は困って、もう一度紙を見た。十年前、祖母は毎週この市場に通っていたという。父がまだ学生だったころの話である。祖母は帰りの汽車の中で買ったものを膝に並べ、一つずつ匂いを嗅いだ。弓子の記憶にあるのは、その膝の上の風呂敷だけだった。霧が薄くなると、奥の路地に赤い暖簾が見えた。暖簾には山の字が一つ、白く染め抜かれている。彼女は老人に礼を言い、路地へ歩き出した。足もとの水たまりに、空が少しだけ映っていた。",
  en: "The ferry came in an hour late, with its lamps already lit. A thin rain had begun to fall, and the porters stood under the awning and smoked. Nobody hurried. Clara waited until the last of the passengers had gone ashore before she picked up her bag. It held two dresses, a Bible, and the letter that had brought her here. She had read the letter so often that the folds were worn through. “You are for the Hall, miss?” asked a voice behind her. She turned and saw an old man with a lantern. “I am,” she said. “How did you know?” “Nobody else comes in November.” He took the bag from her without another word and set off along the quay. They walked for some time between stacked barrels and sleeping dogs. The town smelled of tar and wet rope, and from somewhere above them came the sound of a fiddle. Clara tried to remember what her aunt had told her about the island. There had been a lighthouse, she thought, and a garden that nobody was allowed to enter. At the top of the steps a cart was waiting. The horse turned its head and looked at her with mild interest. “It is four miles,” the old man said, “and the road is bad. There is a blanket under the seat.” It was quite dark when they passed the gates. No light showed in any window. In the morning she would learn why, but that night she was too tired to be afraid, and she slept as if she had been dropped into a well.",
};

/** Connect the form, the files and the examples. `onTexts` receives a list of { name, source }
 * and a list of errors. */
export function buildInput(onTexts) {
  element("input").addEventListener("submit", (event) => {
    event.preventDefault();
    const source = element("source").value;
    if (source.trim()) onTexts([{ name: "Pasted text", source }]);
    else element("source").focus();
  });
  for (const button of document.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => {
      element("source").value = EXAMPLES[button.dataset.example];
      element("input").requestSubmit();
    });
  }
  element("files").addEventListener("change", ({ target }) => {
    open([...target.files]);
    target.value = "";
  });
  buildDrop((files) => open(files));

  async function open(files) {
    const texts = [];
    const errors = [];
    for (const file of files) {
      try {
        texts.push({ name: file.name, source: await api.readFile(file) });
      } catch (error) {
        errors.push(`${file.name}: ${error.message}`);
      }
    }
    onTexts(texts, errors);
  }
}

function buildDrop(onFiles) {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    element("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) element("drop").hidden = true;
  });
  addEventListener("drop", (event) => {
    element("drop").hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    onFiles([...event.dataTransfer.files]);
  });
}
