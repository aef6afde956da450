"""Draws docs/showcase.png, the README's first picture: people that the demo weights never saw, in every scenario."""

from pathlib import Path

from PIL import Image

from imagpose import BodyPose, ImagposePipeline
from imagpose.data.images import open_view
from imagpose.data.mannequins.folder import MannequinSet, ensure
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.output.sheet import SheetRow, contact_sheet

ROOT = Path("data/crowd")  # the demo's own data; its last 40 people are held out
SETTINGS = ("T1", "T2", "T3", "IMAGPose*")
PEOPLE = 8


def main() -> None:
    """Two held-out people a setting, in the order of the fixed test list."""
    ensure(ROOT, MannequinSet(identities=3040, seed=1))
    index = DeepFashion(ROOT)
    pipe = ImagposePipeline.from_pretrained("mannequin-demo")
    pipe.set_progress_bar_config(disable=True)

    def view(name: str) -> tuple[Image.Image, BodyPose]:
        record = index.records[name]
        image = open_view(record, ROOT)
        size = (image.height, image.width)
        return image, BodyPose(size, record.keypoints_at(size))

    rows = []
    for number, scenario in enumerate(index.scenarios()[:PEOPLE]):
        setting = SETTINGS[number * len(SETTINGS) // PEOPLE]
        sources = scenario.sources if setting == "T3" else (scenario.source,)
        targets = [scenario.target]
        if setting == "IMAGPose*":
            views = index.identities("test")[index.records[scenario.source].identity]
            targets += [v.name for v in views if v.name not in (*sources, *targets)][:2]
        pictures, poses = zip(*(view(name) for name in sources), strict=True)
        truths, wanted = zip(*(view(name) for name in targets), strict=True)
        images = pipe(list(pictures), list(poses), list(wanted), setting, seed=number).images[0]
        size = (images[0].height, images[0].width)
        rows.append(SheetRow(pictures, [pose.picture(size) for pose in wanted], images, truths, setting))
    contact_sheet(rows).save("docs/showcase.png")
    print("The picture is docs/showcase.png.")


if __name__ == "__main__":
    main()
