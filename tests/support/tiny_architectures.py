"""GLM-OCR, PaddleOCR-VL and granite-docling as `tiny_models` builds them: all that their loaders read, made small."""

from typing import Any

from support.tiny_models import Kind

# -- GLM-OCR


def _glm_published(name: str, value: Any) -> dict[str, Any]:
    if name.endswith(("patch_embed.proj.weight", "downsample.weight")):
        value = value.moveaxis(-1, 1)
    for ours, theirs in (("vision_tower.", "model.visual."), ("language_model.model.", "model.language_model.")):
        name = name.replace(ours, theirs) if name.startswith(ours) else name
    return {name.removeprefix("language_model."): value}


GLM = Kind(
    name="glm_ocr",
    special=[
        "[gMASK]", "<sop>", "<|endoftext|>", "<|user|>", "<|assistant|>", "<|image|>", "<|video|>",
        "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>",
    ],
    template=(
        "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{% for part in m.content %}"
        "{% if part.type == 'image' %}<|begin_of_image|><|image|><|end_of_image|>{% else %}{{ part.text }}{% endif %}"
        "{% endfor %}{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
    ),
    last="\n",
    end="<|user|>",
    tokenizer={"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"},
    published=_glm_published,
    config={
        "architectures": ["GlmOcrForConditionalGeneration"], "model_type": "glm_ocr",
        "image_token_id": {"@": "<|image|>"}, "video_token_id": {"@": "<|video|>"},
        "image_start_token_id": {"@": "<|begin_of_image|>"}, "image_end_token_id": {"@": "<|end_of_image|>"},
        "text_config": {
            "model_type": "glm_ocr_text", "vocab_size": 0, "hidden_size": 128, "intermediate_size": 128,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "num_hidden_layers": 2,
            "eos_token_id": [{"@": "<|endoftext|>"}, {"@": "<|user|>"}], "pad_token_id": {"@": "<|endoftext|>"},
            "rope_parameters": {
                "rope_type": "default", "mrope_section": [4, 6, 6], "partial_rotary_factor": 1.0, "rope_theta": 10000
            },
        },
        "vision_config": {
            "model_type": "glm_ocr_vision", "depth": 1, "hidden_size": 64, "intermediate_size": 64, "num_heads": 2,
            "patch_size": 14, "out_hidden_size": 128,
        },
    },
    files={
        "preprocessor_config.json": {
            "size": {"shortest_edge": 12544, "longest_edge": 9633792}, "patch_size": 14, "temporal_patch_size": 2,
            "merge_size": 2, "image_processor_type": "Glm46VImageProcessor", "processor_class": "Glm46VProcessor",
            "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
    },
)  # fmt: skip

# -- PaddleOCR-VL


def _paddle_published(name: str, value: Any) -> dict[str, Any]:
    import mlx.core as mx

    if not name.startswith("visual."):
        return {name.removeprefix("language_model."): value}
    if name.startswith("visual.projector."):
        return {name.replace("visual.projector.", "mlp_AR."): value}
    name = name.replace("visual.", "visual.vision_model.", 1).replace(".layers.", ".encoder.layers.")
    if ".qkv." in name:
        parts = zip(("q_proj", "k_proj", "v_proj"), mx.split(value, 3), strict=True)
        return {name.replace("qkv", part): piece for part, piece in parts}
    return {name: value.moveaxis(-1, 1) if value.ndim == 4 else value}


PADDLE = Kind(
    name="paddleocr_vl",
    special=[
        "<s>", "</s>", "<|begin_of_sentence|>", "<|end_of_sentence|>", "<|IMAGE_PLACEHOLDER|>", "<|IMAGE_START|>",
        "<|IMAGE_END|>", "<|video_pad|>",
    ],
    marks=["<fcel>", "<ecel>", "<lcel>", "<ucel>", "<xcel>", "<nl>"],
    pieces=True,
    template=(
        "<|begin_of_sentence|>{% for m in messages %}User: {% for part in m.content %}{% if part.type == 'image' %}"
        "<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>{% else %}{{ part.text }}{% endif %}{% endfor %}"
        "{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}"
    ),
    last=" ",
    end="</s>",
    tokenizer={"tokenizer_class": "LlamaTokenizerFast", "unk_token": "<unk>", "bos_token": "<s>"},
    published=_paddle_published,
    config={
        "architectures": ["PaddleOCRVLForConditionalGeneration"], "model_type": "paddleocr_vl",
        "image_token_id": {"@": "<|IMAGE_PLACEHOLDER|>"}, "video_token_id": {"@": "<|video_pad|>"},
        "vision_start_token_id": {"@": "<|IMAGE_START|>"}, "vision_end_token_id": {"@": "<|IMAGE_END|>"},
        "vocab_size": 0, "hidden_size": 1024, "num_hidden_layers": 2, "intermediate_size": 128,  # mlx-vlm wants 1024
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 128, "hidden_act": "silu", "use_bias": False,
        "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "max_position_embeddings": 131072, "tie_word_embeddings": False,
        "pad_token_id": 0, "bos_token_id": {"@": "<s>"}, "eos_token_id": {"@": "</s>"},
        "rope_scaling": {"rope_type": "default", "type": "default", "mrope_section": [16, 24, 24]},
        "vision_config": {
            "model_type": "paddleocr_vl", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 56, "patch_size": 14, "spatial_merge_size": 2,
        },
    },
    files={
        "preprocessor_config.json": {
            "min_pixels": 28224, "max_pixels": 2822400, "patch_size": 14, "temporal_patch_size": 1, "merge_size": 2,
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "do_convert_rgb": True,
            "image_processor_type": "PaddleOCRVLImageProcessor", "processor_class": "PaddleOCRVLProcessor",
        },
    },
)  # fmt: skip

# -- granite-docling


def _granite_published(name: str, value: Any) -> dict[str, Any]:
    if name == "language_model.lm_head.weight":
        return {"lm_head.weight": value}
    name = "model." + name.replace("language_model.", "text_model.", 1)
    return {name: value.moveaxis(-1, 1) if value.ndim == 4 else value}


GRANITE = Kind(
    name="idefics3",
    special=[
        "<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>", "<image>", "<fake_token_around_image>",
        "<global-img>", *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
        "<doctag>", "</doctag>", "<text>", "</text>", "<otsl>", "</otsl>", *(f"<loc_{n}>" for n in range(501)),
        "<fcel>", "<ecel>", "<lcel>", "<ucel>", "<xcel>", "<ched>", "<nl>", "<section_header_level_1>",
        "</section_header_level_1>", "<picture>", "</picture>",
    ],
    template=(
        "{% for m in messages %}<|start_of_role|>{{ m.role }}<|end_of_role|>{% for part in m.content %}"
        "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}<|end_of_text|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}"
    ),
    last="<|end_of_role|>",
    end="</doctag>",
    tokenizer={"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|end_of_text|>", "pad_token": "<|end_of_text|>"},
    published=_granite_published,
    config={
        "architectures": ["Idefics3ForConditionalGeneration"], "model_type": "idefics3", "scale_factor": 4,
        "vocab_size": 0, "image_token_id": {"@": "<image>"}, "eos_token_id": {"@": "<|end_of_text|>"},
        "pad_token_id": {"@": "<|end_of_text|>"}, "tie_word_embeddings": False,
        "text_config": {
            "model_type": "llama", "vocab_size": 0, "hidden_size": 128, "intermediate_size": 128,
            "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 2, "rms_norm_eps": 1e-5,
            "rope_theta": 100000.0, "max_position_embeddings": 8192,
        },
        "vision_config": {
            "model_type": "idefics3_vision", "hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 1,
            "num_hidden_layers": 1, "patch_size": 16, "image_size": 512,
        },
    },
    files={
        "preprocessor_config.json": {
            "do_convert_rgb": True, "do_image_splitting": True, "do_normalize": True, "do_pad": True,
            "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
            "image_processor_type": "Idefics3ImageProcessor", "max_image_size": {"longest_edge": 512},
            "size": {"longest_edge": 1024}, "resample": 1, "rescale_factor": 1 / 255,
            "processor_class": "Idefics3Processor",
        },
        "processor_config.json": {"image_seq_len": 64, "processor_class": "Idefics3Processor"},
    },
)  # fmt: skip

# -- what each answers where it is scripted

KINDS = {kind.name: kind for kind in (GLM, PADDLE, GRANITE)}
ANSWERS = {
    "glm_ocr": ["matrix[[1, 2, 3, 4]]\n", "合计：", "<table><tr><td>Paper</td><td>3.50</td></tr></table>", "\nend"],
    "paddleocr_vl": ["Invoice 42\n", "合计： 3.50\n", "<fcel>", "Paper", "<fcel>3", ".50", "<nl>"],
    "idefics3": [
        "<doctag>", "<section_header_level_1>", "<loc_50>", "<loc_40>", "<loc_450>", "<loc_60>", "Invoice 42",
        "</section_header_level_1>", "\n", "<text>", "<loc_51>", "<loc_80>", "<loc_449>", "<loc_120>", "合计：3.50",
        "</text>", "<otsl>", "<loc_52>", "<loc_150>", "<loc_448>", "<loc_200>", "<ched>", "Item", "<lcel>", "<nl>",
        "<fcel>", "Paper", "<fcel>3.50", "<nl></otsl>",
    ],
}  # fmt: skip
