# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a stand-in for docling's layout model: the real architecture, tiny, with random weights.

Usage: make_standin.py FOLDER. docling loads it as it loads the real one; it finds no regions worth keeping.
"""

from __future__ import annotations

import sys

from transformers import RTDetrImageProcessor, RTDetrResNetConfig, RTDetrV2Config, RTDetrV2ForObjectDetection

#: The real model's labels, by the names under which docling looks them up.
LABELS = (
    "caption", "footnote", "formula", "list_item", "page_footer", "page_header", "picture", "section_header", "table",
    "text", "title", "document_index", "code", "checkbox_selected", "checkbox_unselected", "form", "key_value_region",
)  # fmt: skip


def main(folder: str) -> None:
    """Build the model and save it with its image processor."""
    backbone = RTDetrResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 32, 32, 32],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrV2Config(
        backbone_config=backbone,
        encoder_in_channels=[32, 32, 32],
        encoder_hidden_dim=32,
        encoder_ffn_dim=64,
        encoder_attention_heads=4,
        decoder_in_channels=[32, 32, 32],
        d_model=32,
        decoder_layers=2,
        decoder_ffn_dim=64,
        decoder_attention_heads=4,
        num_queries=20,
        num_denoising=0,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    RTDetrV2ForObjectDetection(config).save_pretrained(folder)
    RTDetrImageProcessor(size={"height": 160, "width": 160}).save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[1])
