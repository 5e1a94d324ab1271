/* Copyright (c) 2026, selfhost.aistack contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A double of the driver's library libnvidia-ml.so.1: it has what NVIDIA's container toolkit asks for, and answers from files.
 *   installed  its own version; initialization is refused like by the real one where the kernel has loaded another
 *   gpus       what "nvidia-smi -L" prints
 *   modes      a line "INDEX, Enabled" or "INDEX, Disabled" for each GPU: whether it is divided (MIG)
 * A MIG device is as large as one slice; its GPU instance has the number FIRST_INSTANCE and upwards, its compute instance 0.
 */
#include <stdio.h>
#include <string.h>

#include "nvml.h"

#define DOUBLES "/var/lib/nvidia-doubles/"
#define MAXIMUM 16
#define SLICES 7
#define FIRST_INSTANCE 7
#define MEMORY_MB (40 * 1024ULL)

struct nvmlDevice_st {
    unsigned index, divided, is_mig;
    char name[64], uuid[80];
    struct nvmlDevice_st *parent;
};

static struct nvmlDevice_st devices[MAXIMUM];
static unsigned count;
static char version[64];

static int read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    int got = fgets(line, size, file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = 0;
    return got;
}

static void read_devices(void)
{
    char line[256];
    unsigned index, other;
    char mode[16];
    struct nvmlDevice_st *gpu = NULL;

    memset(devices, 0, sizeof devices);
    count = 0;
    FILE *file = fopen(DOUBLES "gpus", "r");
    while (file && count < MAXIMUM && fgets(line, sizeof line, file)) {
        struct nvmlDevice_st *next = &devices[count];
        if (sscanf(line, "GPU %u: %63[^(] (UUID: %79[^)])", &index, next->name, next->uuid) == 3) {
            next->name[strlen(next->name) - 1] = 0;
            gpu = next;
        } else if (gpu && sscanf(line, " MIG %63s Device %u: (UUID: %79[^)])", next->name, &index, next->uuid) == 3) {
            next->is_mig = 1;
            next->parent = gpu;
        } else
            continue;
        next->index = index;
        count++;
    }
    if (file)
        fclose(file);
    file = fopen(DOUBLES "modes", "r");
    while (file && fscanf(file, "%u, %15s", &other, mode) == 2)
        for (unsigned i = 0; i < count; i++)
            if (!devices[i].is_mig && devices[i].index == other)
                devices[i].divided = !strcmp(mode, "Enabled");
    if (file)
        fclose(file);
}

static nvmlReturn_t copy(char *to, unsigned length, const char *from)
{
    return snprintf(to, length, "%s", from) < (int)length ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

/* The GPU of this index, or the MIG device of this index on a GPU. */
static nvmlReturn_t find(unsigned index, struct nvmlDevice_st *parent, nvmlDevice_t *found)
{
    for (unsigned i = 0; i < count; i++)
        if (devices[i].parent == parent && devices[i].index == index) {
            found->handle = &devices[i];
            return NVML_SUCCESS;
        }
    return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlInit_v2(void)
{
    char loaded[256];
    if (!read_line(DOUBLES "installed", version, sizeof version) ||
        !read_line("/proc/driver/nvidia/version", loaded, sizeof loaded))
        return NVML_ERROR_DRIVER_NOT_LOADED;
    if (!strstr(loaded, version))
        return NVML_ERROR_LIB_RM_VERSION_MISMATCH;
    read_devices();
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlShutdown(void)
{
    return NVML_SUCCESS;
}

const char *nvmlErrorString(nvmlReturn_t result)
{
    switch (result) {
    case NVML_SUCCESS:
        return "Success";
    case NVML_ERROR_DRIVER_NOT_LOADED:
        return "Driver Not Loaded";
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return "Driver/library version mismatch";
    case NVML_ERROR_NOT_FOUND:
        return "Not Found";
    default:
        return "Unknown Error";
    }
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *text, unsigned length)
{
    return copy(text, length, version);
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *gpus)
{
    *gpus = 0;
    for (unsigned i = 0; i < count; i++)
        *gpus += !devices[i].is_mig;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device)
{
    return find(index, NULL, device);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(devices[i].uuid, uuid)) {
            device->handle = &devices[i];
            return NVML_SUCCESS;
        }
    return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned length)
{
    return copy(name, length, device.handle->name);
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned length)
{
    return copy(uuid, length, device.handle->uuid);
}

nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned *index)
{
    *index = device.handle->index;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned *minor)
{
    return nvmlDeviceGetIndex(device, minor);
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci)
{
    memset(pci, 0, sizeof *pci);
    pci->bus = 0x17 + device.handle->index;
    snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", pci->bus);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    (void)device;
    memory->total = memory->free = MEMORY_MB << 20;
    memory->used = 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending)
{
    *current = *pending = device.handle->divided;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *maximum)
{
    (void)device;
    *maximum = SLICES;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t *found)
{
    return find(index, device.handle, found);
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned *is_mig)
{
    *is_mig = device.handle->is_mig;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t device, nvmlDevice_t *parent)
{
    parent->handle = device.handle->parent;
    return parent->handle ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes)
{
    (void)device;
    memset(attributes, 0, sizeof *attributes);
    attributes->gpuInstanceSliceCount = attributes->computeInstanceSliceCount = 1;
    attributes->memorySizeMB = MEMORY_MB / (SLICES + 1);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned *instance)
{
    *instance = FIRST_INSTANCE + device.handle->index;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned *instance)
{
    (void)device;
    *instance = 0;
    return NVML_SUCCESS;
}

/* An instance is known by the MIG device that it belongs to. */
nvmlReturn_t nvmlDeviceGetGpuInstanceById(nvmlDevice_t device, unsigned id, nvmlGpuInstance_t *instance)
{
    nvmlDevice_t found;
    nvmlReturn_t result = find(id - FIRST_INSTANCE, device.handle, &found);
    if (result == NVML_SUCCESS)
        instance->handle = (struct nvmlGpuInstance_st *)found.handle;
    return result;
}

nvmlReturn_t nvmlGpuInstanceGetInfo(nvmlGpuInstance_t instance, nvmlGpuInstanceInfo_t *info)
{
    struct nvmlDevice_st *mig = (struct nvmlDevice_st *)instance.handle;
    memset(info, 0, sizeof *info);
    info->device.handle = mig->parent;
    info->id = FIRST_INSTANCE + mig->index;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpuInstanceGetComputeInstanceById(nvmlGpuInstance_t instance, unsigned id, nvmlComputeInstance_t *found)
{
    found->handle = (struct nvmlComputeInstance_st *)instance.handle;
    return id ? NVML_ERROR_NOT_FOUND : NVML_SUCCESS;
}

nvmlReturn_t nvmlComputeInstanceGetInfo_v2(nvmlComputeInstance_t instance, nvmlComputeInstanceInfo_t *info)
{
    memset(info, 0, sizeof *info);
    info->device.handle = ((struct nvmlDevice_st *)instance.handle)->parent;
    info->gpuInstance.handle = (struct nvmlGpuInstance_st *)instance.handle;
    return NVML_SUCCESS;
}

/* There is one profile of each, that of one slice, and its number is 0. */
nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfo(nvmlDevice_t device, unsigned profile, nvmlGpuInstanceProfileInfo_t *info)
{
    (void)device;
    memset(info, 0, sizeof *info);
    info->sliceCount = 1;
    return profile == NVML_GPU_INSTANCE_PROFILE_1_SLICE ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t nvmlGpuInstanceGetComputeInstanceProfileInfo(nvmlGpuInstance_t instance, unsigned profile, unsigned engines,
                                                          nvmlComputeInstanceProfileInfo_t *info)
{
    (void)instance;
    memset(info, 0, sizeof *info);
    info->sliceCount = 1;
    return profile == NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE && engines == NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED
               ? NVML_SUCCESS
               : NVML_ERROR_NOT_SUPPORTED;
}
