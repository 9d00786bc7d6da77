"""One turn of PyTorch: python3 pytorch.py NETWORK BATCH THREADS SECONDS inference|training

Prints JSON as onnxruntime.mjs does, or {} for a network that is not here. Images lie in memory as
is faster, channels first or last. A step of training is SGD with momentum on cross-entropy.
"""

import json
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


def conv_bn(inputs, outputs, kernel=3, stride=1, groups=1, activation=None):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation] if activation else []))


class Residual(nn.Module):
    """relu(branch(x) + shortcut(x))"""

    def __init__(self, branch, shortcut):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, x):
        return F.relu(self.branch(x) + self.shortcut(x))


class Subsample(nn.Module):
    """Every other pixel, and zeros for the channels that are new."""

    def forward(self, x):
        added = x.shape[1] // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, added, added))


class Plus(nn.Module):
    def __init__(self, branch):
        super().__init__()
        self.branch = branch

    def forward(self, x):
        return x + self.branch(x)


def resnet(counts, bottleneck, small_images=False, classes=1000):
    if small_images:
        layers = [conv_bn(3, 64, 3, activation=nn.ReLU())]
    else:
        layers = [conv_bn(3, 64, 7, 2, activation=nn.ReLU()), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, count in enumerate(counts):
        width = 64 << stage
        outputs = 4 * width if bottleneck else width
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            if bottleneck:
                branch = nn.Sequential(
                    conv_bn(inputs, width, 1, activation=nn.ReLU()),
                    conv_bn(width, width, 3, stride, activation=nn.ReLU()),
                    conv_bn(width, outputs, 1),
                )
            else:
                branch = nn.Sequential(
                    conv_bn(inputs, width, 3, stride, activation=nn.ReLU()),
                    conv_bn(width, outputs, 3),
                )
            same = stride == 1 and inputs == outputs
            shortcut = nn.Identity() if same else conv_bn(inputs, outputs, 1, stride)
            layers.append(Residual(branch, shortcut))
            inputs = outputs
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)
    )


def resnet20_cifar():
    layers, inputs = [conv_bn(3, 16, activation=nn.ReLU())], 16
    for outputs in (16, 32, 64):
        for _ in range(3):
            stride = outputs // inputs
            branch = nn.Sequential(
                conv_bn(inputs, outputs, 3, stride, activation=nn.ReLU()),
                conv_bn(outputs, outputs, 3),
            )
            layers.append(Residual(branch, nn.Identity() if stride == 1 else Subsample()))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def vgg16():
    layers, inputs = [], 3
    for outputs in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if outputs == 0:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        inputs = outputs
    head = [nn.Linear(512 * 49, 4096), nn.ReLU(), nn.Dropout()]
    head += [nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *head)


def alexnet():
    layers = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    layers += [nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    for inputs, outputs in ((192, 384), (384, 256), (256, 256)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
    head = [nn.Dropout(), nn.Linear(256 * 36, 4096), nn.ReLU()]
    head += [nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(
        *layers, nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6), nn.Flatten(), *head
    )


def mobilenet_v2():
    layers, inputs = [conv_bn(3, 32, 3, 2, activation=nn.ReLU6())], 32
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2))
    rows += ((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, outputs, repeats, first_stride in rows:
        for i in range(repeats):
            stride, wide = first_stride if i == 0 else 1, inputs * expansion
            block = [conv_bn(inputs, wide, 1, activation=nn.ReLU6())] if expansion != 1 else []
            block.append(conv_bn(wide, wide, 3, stride, groups=wide, activation=nn.ReLU6()))
            block = nn.Sequential(*block, conv_bn(wide, outputs, 1))
            layers.append(Plus(block) if stride == 1 and inputs == outputs else block)
            inputs = outputs
    layers.append(conv_bn(320, 1280, 1, activation=nn.ReLU6()))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000)]
    return nn.Sequential(*layers, *head)


def lenet():
    layers = [nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2)]
    layers += [nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()]
    head = [nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10)]
    return nn.Sequential(*layers, *head)


# Network: how it is made, an example's size, classes.
NETWORKS = {
    "resnet18": (lambda: resnet((2, 2, 2, 2), False), (3, 224, 224), 1000),
    "resnet18_cifar": (lambda: resnet((2, 2, 2, 2), False, True, 10), (3, 32, 32), 10),
    "resnet50": (lambda: resnet((3, 4, 6, 3), True), (3, 224, 224), 1000),
    "resnet20_cifar": (resnet20_cifar, (3, 32, 32), 10),
    "vgg16": (vgg16, (3, 224, 224), 1000),
    "alexnet": (alexnet, (3, 224, 224), 1000),
    "mobilenet_v2": (mobilenet_v2, (3, 224, 224), 1000),
    "lenet": (lenet, (1, 28, 28), 10),
}


def time_runs(run, seconds, least):
    times, start = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - start < seconds:
        one = time.perf_counter()
        run()
        times.append(time.perf_counter() - one)
    return times


def workload(make, x, classes, training, layout):
    """What a run is, with the model and the images in a layout of memory."""
    model = make().to(memory_format=layout)
    x = x.contiguous(memory_format=layout)
    if not training:
        model.eval()
        return lambda: model(x)
    labels = torch.randint(classes, (x.shape[0],))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main():
    network, batch, threads, seconds, mode = sys.argv[1:]
    if network not in NETWORKS:
        print("{}")
        return
    make, dims, classes = NETWORKS[network]
    training = mode == "training"
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(training)
    x = torch.randn(int(batch), *dims)
    before, results = peak_bytes(), []
    for layout in (torch.contiguous_format, torch.channels_last):
        start = time.perf_counter()
        run = workload(make, x, classes, training, layout)
        load = time.perf_counter() - start
        run()
        first = time.perf_counter() - start
        # One turn is for both: the better one's time counts.
        time_runs(run, 0.05 * float(seconds), 1)
        median = statistics.median(time_runs(run, 0.5 * float(seconds), 3))
        results.append((median, load, first, peak_bytes() - before))
        del run
    best = min(results)
    names = ("seconds", "load_seconds", "first_result_seconds")
    print(json.dumps({**dict(zip(names, best)), "peak_bytes": results[0][3]}))


main()
