# Every target is one line of shell; `make help` lists them.
EXP ?= tiny
PYTHON ?= python3.11
RUN ?=
GENERATED ?= generated/images
DATA ?= data/mannequins
BIN := .venv/bin
# Threads that wait sleep; beside other processes, tests that run side by side say, spinning ones take their cores.
export OMP_WAIT_POLICY ?= passive
OLDEST ?= .venv-oldest

.DEFAULT_GOAL := help
# A variable's value is one word of the shell's, whatever it holds: nothing in it is a command. ARGS alone is the shell's.
define LINE_BREAK


endef
quoted = '$(subst ','\'',$(subst $(LINE_BREAK), ,$(value $(1))))'
OF_EXP = --exp $(call quoted,EXP) $(if $(value WITH),--with $(foreach w,$(value WITH),$(call quoted,w)))
WITH ?=
RESULTS ?=
STUDY ?= study
STYLE ?=
OF_RUN = $(if $(value RUN),--run $(call quoted,RUN))
RESUMED = $(if $(value RUN),$(if $(filter-out new,$(value RUN)),--folder $(call quoted,RUN),--new true))
METHODS = --results $(foreach r,$(value RESULTS),$(call quoted,r))
SCALE ?= tiny
JOBS ?= 1
ROWS ?= ablations
LAUNCHER ?= local
# make carries out a $(shell …) in what it exports; and a make that a test calls would take this one's values for its own.
unexport EXP RUN WITH DATA GENERATED RESULTS SCALE JOBS LAUNCHER STUDY STYLE ROWS ARGS
MAKEOVERRIDES :=
TABLE = $(BIN)/python -m imagpose table $@ --scale $(call quoted,SCALE) --jobs $(call quoted,JOBS) --launcher $(call quoted,LAUNCHER) $(foreach w,$(value WITH),-c overlays/$(call quoted,w)) $(ARGS)
.PHONY: help setup train variants ablations architectures recipes reid uniformity speed panels guidance visibility strata robustness styles doctor generate evaluate-run evaluate compare gallery study bench-eval test test-oldest test-slow test-browser bench-train bench-gpu lint docs vae detector base encoders demo demo-weights distilled showcase mannequins check-data cache bench-data bench-cache tensorboard clean
EXAMPLE := --source examples/source.jpg --source-pose examples/source.json \
	$(foreach n,1 2 3,--target-pose examples/pose_$(n).json)

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.done  ## make .venv and install the project
.venv/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]' && touch $@

train: .venv/.done  ## train or resume EXP (default tiny), then test it; RUN=new starts another run, RUN=runs/tiny/version_0 resumes that one, WITH adds overlays, ARGS options
	$(BIN)/python -m imagpose fit $(OF_EXP) $(RESUMED) $(ARGS)

variants: .venv/.done  ## Table 3: run the missing rows and print it; SCALE=full, JOBS=n, LAUNCHER=slurm, WITH and ARGS
	$(TABLE)

ablations: .venv/.done  ## Table 2, likewise
	$(TABLE)

architectures: .venv/.done  ## Table 7, likewise
	$(TABLE)

recipes: .venv/.done  ## training choices that the paper leaves open, likewise
	$(TABLE)

reid: .venv/.done  ## Table 4, person re-identification with generated pictures, likewise
	$(BIN)/python -m imagpose reid run --scale $(call quoted,SCALE) --jobs $(call quoted,JOBS) --launcher $(call quoted,LAUNCHER) $(foreach w,$(value WITH),-c overlays/$(call quoted,w)) $(ARGS)

uniformity: .venv/.done  ## Figure 7: the demo weights, or RUN's, in T1, T2, T3 and IMAGPose*
	$(BIN)/python -m imagpose uniformity $(OF_RUN) $(ARGS)

speed: .venv/.done  ## Figure 8: seconds and FLOPs against quality of the demo weights, or RUN's
	$(BIN)/python -m imagpose speed $(OF_RUN) $(ARGS)

panels: .venv/.done  ## seconds, FLOPs and quality on 2, 4, 6 and 9 panels of the demo weights, or RUN's
	$(BIN)/python -m imagpose panels $(OF_RUN) $(ARGS)

guidance: .venv/.done  ## which guidance serves the demo weights, or RUN's, best: compared on validation people
	$(BIN)/python -m imagpose guidance $(OF_RUN) $(ARGS)

visibility: .venv/.done  ## what the demo weights, or RUN's, copy from their sources and what they invent, scored by what sources show
	$(BIN)/python -m imagpose visibility $(OF_RUN) $(ARGS)

strata: .venv/.done  ## whether the rows of a table differ more where a pair is harder, of the rows in results/; ROWS=ablations
	$(BIN)/python -m imagpose strata $(call quoted,ROWS) $(ARGS)

robustness: .venv/.done  ## what keypoint noise, missing joints, swapped sides, busy backgrounds and disagreeing sources cost the demo weights, or RUN's
	$(BIN)/python -m imagpose robustness $(OF_RUN) $(ARGS)

styles: .venv/.lora  ## cartoons: the demo weights as they are, after a LoRA on 20 people, after all weights on them, on many; ARGS="--arms as_they_are lora"
	$(BIN)/python -m imagpose styles $(ARGS)
.venv/.lora: .venv/.done
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[lora]' && touch $@

doctor: .venv/.done  ## tell whether EXP could start here: weights, data, memory (WITH and ARGS as for train)
	$(BIN)/python -m imagpose doctor $(OF_EXP) $(ARGS)

generate: .venv/.done  ## draw examples/ with the demo weights, or RUN's; ARGS names your own pictures and poses
	$(BIN)/python -m imagpose generate $(OF_RUN) \
		$(if $(findstring --source,$(ARGS))$(findstring --data,$(ARGS)),,$(EXAMPLE)) $(ARGS)

evaluate-run: .venv/.done  ## test a run again, into its evaluation.json: RUN=runs/tiny/version_0
	$(BIN)/python -m imagpose test -c $(call quoted,RUN)/config.yaml --folder $(call quoted,RUN) $(ARGS)

evaluate: .venv/.done  ## score a folder of pictures: GENERATED=generated/images DATA=data/mannequins; ARGS adds options
	$(BIN)/python -m imagpose evaluate --generated $(call quoted,GENERATED) --data $(call quoted,DATA) $(ARGS)

compare: .venv/.done  ## the paper's tables beside measured scores: RESULTS="name=DIR …" DATA=…; ARGS="--table market-1501"
	$(BIN)/python -m imagpose compare $(if $(value RESULTS),$(METHODS) --data $(call quoted,DATA)) $(ARGS)

study: .venv/.done  ## the paper's user study in the browser: of the demo weights, or RESULTS="name=DIR …" DATA=…; STUDY=study; ARGS of study make
	$(BIN)/python -m imagpose study make $(if $(value RESULTS),$(METHODS) --data $(call quoted,DATA)) --out $(call quoted,STUDY) $(ARGS)
	$(BIN)/python -m imagpose study serve $(call quoted,STUDY)

gallery: .venv/.done  ## source, pose, truth and each method's picture: RESULTS="name=DIR …" DATA=…
	$(BIN)/python -m imagpose gallery $(METHODS) --data $(call quoted,DATA) $(ARGS)

bench-eval: .venv/.done  ## SSIM and PSNR beside the published skimage loop, into benchmarks/evaluation.json
	$(BIN)/python benchmarks/evaluation.py

vae: .venv/.done  ## train the small VAE that tiny ships with (into runs/vae/version_<n>/vae)
	$(BIN)/python -m imagpose fit --exp vae $(RESUMED) $(ARGS)

detector: .venv/.done  ## train the pose detector of the mannequins that ships (into weights/mannequin-pose, about an hour)
	$(BIN)/python -m imagpose fit --exp detector

base: .venv/.done  ## train the base models that tiny starts from: encoder, v and ε UNet (into weights/, about an hour)
	$(BIN)/python -m imagpose fit --exp base_encoder
	$(BIN)/python -m imagpose fit --exp base_v
	$(BIN)/python -m imagpose fit --exp base_epsilon

encoders: .venv/.done  ## train Table 3's six miniature encoders, each by its family's own task (into weights/)
	$(BIN)/python -m imagpose fit --exp encoder_clipb
	$(BIN)/python -m imagpose fit --exp encoder_cliph
	$(BIN)/python -m imagpose fit --exp encoder_clipbigg
	$(BIN)/python -m imagpose fit --exp encoder_dinov2b
	$(BIN)/python -m imagpose fit --exp encoder_dinov2l
	$(BIN)/python -m imagpose fit --exp encoder_dinov2g

demo-weights: .venv/.done  ## train the demo weights in three parts and export them (into weights/mannequin-demo; the third wants a GPU)
	$(BIN)/python -m imagpose fit --exp demo
	$(BIN)/python -m imagpose export --run $$(ls -d runs/demo/version_* | sort -V | tail -1) --out weights/mannequin-demo
	$(BIN)/python -m imagpose fit --exp demo_long
	$(BIN)/python -m imagpose export --run $$(ls -d runs/demo_long/version_* | sort -V | tail -1) --out weights/mannequin-demo --overwrite true
	$(BIN)/python -m imagpose fit --exp demo_panels
	$(BIN)/python -m imagpose export --run $$(ls -d runs/demo_panels/version_* | sort -V | tail -1) --out weights/mannequin-demo --overwrite true --guidance_form tokens

demo: .venv/.demo  ## a page in the browser that draws a photograph in new poses, with the demo weights or RUN's; ARGS adds options
	$(BIN)/python -m imagpose demo --open $(OF_RUN) $(ARGS)
.venv/.demo: .venv/.done
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo]' && touch $@

distilled: .venv/.done  ## distil the demo weights into four steps (into weights/mannequin-demo-distilled, about half an hour)
	$(BIN)/python -m imagpose fit --exp tiny_distilled
	$(BIN)/python -m imagpose export --run $$(ls -d runs/tiny_distilled/version_* | sort -V | tail -1) --out weights/mannequin-demo-distilled

showcase: .venv/.done  ## draw the README's first picture with the demo weights
	$(BIN)/python docs/showcase.py

mannequins: .venv/.done  ## draw the embedded dataset into data/mannequins (train does it too); STYLE=cartoon or sketch into data/mannequins-STYLE
	$(BIN)/python -m imagpose mannequins data/mannequins$(if $(value STYLE),-$(call quoted,STYLE) --spec.style $(call quoted,STYLE)) $(ARGS)

check-data: .venv/.done  ## look at every row and every image of a dataset once: DATA=data/mannequins
	$(BIN)/python -m imagpose check $(call quoted,DATA) $(ARGS)

cache: .venv/.done  ## compute the frozen networks' features of EXP's training images once (WITH as for train, ARGS: --shard 0/8)
	$(BIN)/python -m imagpose cache $(OF_EXP) $(ARGS)

bench-data: .venv/.done  ## measure how fast training samples load, cached and not, into benchmarks/
	$(BIN)/python -m benchmarks.data

bench-cache: .venv/.done  ## measure cached against uncached training steps, into benchmarks/
	$(BIN)/python -m benchmarks.cache

bench-train: .venv/.done  ## measure EXP's training step (default sd15_dinov2g) into benchmarks/; without a GPU, tiny's
	$(BIN)/python -m benchmarks.train $(patsubst 'tiny','sd15_dinov2g',$(OF_EXP)) $(ARGS)

bench-gpu: .venv/.done  ## measure what a card has to tell, into benchmarks/; ARGS names parts, --out, --seconds
	$(BIN)/python -m benchmarks.gpu $(ARGS)

test: .venv/.done  ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow and not browser' --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

test-oldest: $(OLDEST)/.done  ## run the tests of files and pipelines with the oldest versions that pyproject.toml allows
	$(OLDEST)/bin/python -m pytest -m 'not slow and not browser' tests/models tests/training tests/generation tests/options tests/output tests/pipeline tests/test_*.py $(ARGS)
$(OLDEST)/.done: pyproject.toml
	$(PYTHON) -m venv $(OLDEST) && $(OLDEST)/bin/python -m pip install --quiet uv && $(OLDEST)/bin/uv pip install \
		--quiet --python $(OLDEST)/bin/python --resolution lowest-direct --editable '.[dev]' && touch $@

test-slow: .venv/.done  ## run the long proofs
	$(BIN)/python -m pytest -m 'slow and not browser' $(ARGS)

test-browser: .venv/.browser  ## run the tests that need a browser or Gradio, with Debian's Chromium, installed where it may be
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y chromium; } \
		|| { echo 'There is no Chromium; install it with: sudo apt install chromium' >&2; exit 2; }
	$(BIN)/python -m pytest tests/demo $(ARGS)
	$(BIN)/python -m pytest tests/browser $(ARGS)  # apart: Playwright leaves an event loop running in its process
.venv/.browser: .venv/.demo
	$(BIN)/python -m pip install --quiet --constraint constraints.txt playwright && touch $@

lint: .venv/.done  ## ruff and mypy
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: .venv/.docs  ## build the documentation into site/; nothing in it is loaded from elsewhere
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && $(BIN)/python docs/assets.py site
.venv/.docs: .venv/.done
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]' && touch $@

tensorboard: .venv/.done  ## watch the runs
	$(BIN)/tensorboard --logdir runs

clean:  ## delete caches; runs, data and .venv stay
	rm -rf .hypothesis .pytest_cache .mypy_cache .ruff_cache
