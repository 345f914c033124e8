#!/usr/bin/env python3
"""Writes tests/golden/tokenizers/chat.json: templates in the forms that gloss knows, conversations, and what transformers
makes of them.

    python3 tests/golden/generate_chat.py      # needs transformers and jinja2
"""

import json
import pathlib

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

CHATML_TURN = "{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}"
CHATML_ASKS = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
HEADER_TURN = "'<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>'"
HEADER_ASKS = "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
TEMPLATES = {
    "plain": "{% for m in messages %}" + CHATML_TURN + "{% endfor %}" + CHATML_ASKS,
    "told": "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}"
            "{{ '<|im_start|>system\\nIt\\'s a friend who helps.<|im_end|>\\n' }}{% endif %}" + CHATML_TURN + "{% endfor %}" + CHATML_ASKS,
    "newlines": "{% for m in messages %}\n{{ '<|im_start|>' + m['role'] + '\n' + m['content'] | trim + '<|im_end|>\n' }}\n{%- endfor %}\n"
                "{%- if add_generation_prompt %}\n{{- \"<|im_start|>assistant\n\" }}\n{%- endif %}",
    "thinks": "{{ bos_token }}{%- for m in messages %}{%- set content = m.content %}{%- if m.role == 'assistant' and '</think>' in content %}"
              "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}"
              "{{- '<|im_start|>' + m.role + '\\n' + content + '<|im_end|>\\n' }}{%- endfor %}"
              "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}",
    "header": "{% for m in messages %}{% set text = " + HEADER_TURN + " %}{% if loop.index0 == 0 %}{% set text = bos_token + text %}{% endif %}"
              "{{ text }}{% endfor %}" + HEADER_ASKS,
    "dated": "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- set date_string = \"26 Jul 2024\" %}\n{%- endif %}\n"
             "{%- if messages[0]['role'] == 'system' %}{%- set told = messages[0]['content'] | trim %}{%- set messages = messages[1:] %}"
             "{%- else %}{%- set told = \"\" %}{%- endif %}"
             "{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}{{- 'Cutting Knowledge Date: December 2023\\n' }}"
             "{{- 'Today Date: ' + date_string + '\\n\\n' }}{{- told }}{{- '<|eot_id|>' }}"
             "{%- for m in messages %}{{- " + HEADER_TURN + " }}{%- endfor %}" + HEADER_ASKS,
}
USER, REPLY = {"role": "user", "content": " What is 2 + 2?\n"}, {"role": "assistant", "content": "<think>\nEasy.\n</think>\n\n4"}
CONVERSATIONS = [[USER], [{"role": "system", "content": "Be brief.\u00a0"}, USER], [USER, REPLY, {"role": "user", "content": "größer?"}]]

tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>")
cases = []
for name, template in TEMPLATES.items():
    for messages in CONVERSATIONS:
        for asks in (False, True):
            text = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=asks)
            cases.append({"template": name, "messages": messages, "add_generation_prompt": asks, "text": text})
file = {"templates": TEMPLATES, "cases": cases}
(pathlib.Path(__file__).parent / "tokenizers" / "chat.json").write_text(json.dumps(file, indent=1) + "\n")
