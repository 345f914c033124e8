"""Makes tests/golden/models/resnet*: python3 generate_models_resnet.py. Needs torch 2.13 and transformers 5.24.

Beside the cases of transformers' ResNet there is resnet_torchvision, a ResNet that is written out below with torchvision's
names and its options: the last stage dilated, the norms frozen, the maps of all stages.
"""

import torch
from models_support import FOLDER, dump
from safetensors.torch import save_file
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification


def config(**options):
    return ResNetConfig(**{**dict(embedding_size=4, hidden_sizes=[4, 4, 6, 8], depths=[2, 1, 1, 1], layer_type="basic",
                                  num_labels=3), **options})


def with_statistics(model, seed=7):
    """Norms whose running statistics are not 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d) or "FrozenBatchNorm" in type(m).__name__:
            m.running_mean.copy_(0.3 * torch.randn(m.running_mean.shape, generator=generator))
            m.running_var.copy_(0.5 + torch.rand(m.running_var.shape, generator=generator))
    return model


def images(*shape, seed=3):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1, first_dilation=1, dilation=1, bottleneck=True):
        super().__init__()

        def conv(i, o, k, stride=1, dilation=1):
            return nn.Conv2d(i, o, k, stride, k // 2 * dilation, dilation, bias=False)

        if bottleneck:
            inner = outputs // 4
            self.conv1, self.bn1 = conv(inputs, inner, 1), nn.BatchNorm2d(inner)
            self.conv2, self.bn2 = conv(inner, inner, 3, stride, first_dilation), nn.BatchNorm2d(inner)
            self.conv3, self.bn3 = conv(inner, outputs, 1), nn.BatchNorm2d(outputs)
        else:
            self.conv1, self.bn1 = conv(inputs, outputs, 3, stride, first_dilation), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = conv(outputs, outputs, 3, 1, dilation), nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if hasattr(self, "conv3"):
            y = self.bn3(self.conv3(y.relu()))
        return (y + (self.downsample(x) if self.downsample else x)).relu()


class ResNet(nn.Module):
    def __init__(self, width, sizes, depths, labels, bottleneck, dilated):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        inputs = width
        for i, (size, depth) in enumerate(zip(sizes, depths)):
            wide = dilated and i == len(sizes) - 1
            blocks = []
            for b in range(depth):
                blocks.append(Block(inputs, size, 2 if i > 0 and b == 0 and not wide else 1, 2 if wide and b > 0 else 1,
                                    2 if wide else 1, bottleneck))
                inputs = size
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, labels)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        maps = []
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
            maps.append(x)
        return maps, self.fc(x.mean((2, 3)))


def written_out(name, bottleneck):
    """eval() is what frozen norms do; the norms' own weights get no gradient."""
    torch.manual_seed(5)
    model = with_statistics(ResNet(4, [8, 8, 12, 16] if bottleneck else [4, 4, 6, 8], [1, 1, 1, 2], 3, bottleneck, True))
    model.eval()
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    weights = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(weights, folder / "model.safetensors")
    model.double()
    x = images(1, 3, 33, 41)
    maps, logits = model(x)
    ws = [images(*m.shape, seed=i) for i, m in enumerate([*maps, logits])]
    loss = sum((m * w).sum() for m, w in zip([*maps, logits], ws))
    loss.backward()
    golden = {"in/pixel_values": x, "loss": loss.detach(), "out/logits": logits.detach()}
    golden |= {f"out/C{i + 2}": m.detach() for i, m in enumerate(maps)}
    golden |= {f"in/w_C{i + 2}": w for i, w in enumerate(ws[:4])} | {"in/w_logits": ws[4]}
    frozen = {n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    golden |= {f"grad/{k}": p.grad for k, p in model.named_parameters() if k.rpartition(".")[0] not in frozen}
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")


def main():
    torch.manual_seed(1)
    x, labels = {"pixel_values": images(2, 3, 37, 41)}, {"labels": torch.tensor([2, 0])}
    dump("resnet", with_statistics(ResNetForImageClassification(config())), x, labels)
    dump("resnet_training", with_statistics(ResNetForImageClassification(config())),
         {"pixel_values": images(3, 3, 40, 34)}, {"labels": torch.tensor([2, 0, 1])}, train=True)
    dump("resnet_bottleneck", with_statistics(ResNetForImageClassification(config(
        layer_type="bottleneck", hidden_sizes=[8, 12, 16], depths=[1, 2, 1], hidden_act="gelu", num_channels=1,
        downsample_in_first_stage=True, downsample_in_bottleneck=True))),
        {"pixel_values": images(2, 1, 40, 33)}, labels)
    written_out("resnet_torchvision", True)
    written_out("resnet_torchvision_basic", False)


if __name__ == "__main__":
    main()
