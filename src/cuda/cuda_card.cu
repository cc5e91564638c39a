// Cards of CUDA, as a library that pg_ocr_gpu loads. The runtime is linked in, so that it loads on machines without a
// driver and says there what is missing.
#include <cuda_runtime.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cuda/network_card.cuh"

namespace pg_ocr {
namespace {

void check(cudaError_t error, const char* call) {
    if (error == cudaSuccess) return;
    cudaGetLastError();  // else the next launch reports it again
    throw DeviceTrouble(std::string(call) + ": " + cudaGetErrorString(error));
}

std::string version_text(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// Throws where there is no such card, or none that anybody can use.
void find_card(uint32_t number) {
    // Kernels are loaded with the card, not when they are first needed: by then others may have its memory.
    setenv("CUDA_MODULE_LOADING", "EAGER", 0);
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaErrorInsufficientDriver || error == cudaErrorStubLibrary) {
        int driver = 0;
        cudaDriverGetVersion(&driver);
        if (driver == 0 || error == cudaErrorStubLibrary)
            throw DeviceTrouble(
                "there is no NVIDIA driver (libcuda.so.1): install one, or give this container the "
                "host's");
        throw DeviceTrouble("the NVIDIA driver is for CUDA " + version_text(driver) + " and too old for CUDA " +
                            version_text(CUDART_VERSION) + ", which pg_ocr was built with: update the driver");
    }
    if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0))
        throw DeviceTrouble(
            "the NVIDIA driver finds no card: is it there (nvidia-smi), and visible "
            "(CUDA_VISIBLE_DEVICES)?");
    check(error, "cudaGetDeviceCount");
    if (number >= static_cast<uint32_t>(count))
        throw DeviceTrouble("there is no card " + std::to_string(number) + ": the NVIDIA driver finds " +
                            std::to_string(count) + ", from 0 on");
}

class CudaDevice {
  public:
    static constexpr uint64_t least_memory = uint64_t{64} << 20;

    explicit CudaDevice(uint32_t number) : number_(static_cast<int>(number)) {
        find_card(number);
        cudaDeviceProp properties;
        check(cudaGetDeviceProperties(&properties, number_), "cudaGetDeviceProperties");
        name_ = properties.name;
        if (properties.major * 10 + properties.minor < 75)
            throw DeviceTrouble(name_ + " has compute capability " + std::to_string(properties.major) + "." +
                                std::to_string(properties.minor) + ", and 7.5 is needed");
        multiprocessors_ = static_cast<uint32_t>(properties.multiProcessorCount);
        shared_limit_ = properties.sharedMemPerBlockOptin;
        use();
    }
    CudaDevice(const CudaDevice&) = delete;
    CudaDevice& operator=(const CudaDevice&) = delete;
    ~CudaDevice() {
        cudaSetDevice(number_);
        for (void* memory : taken_) cudaFree(memory);
        for (void* memory : taken_of_host_) cudaFreeHost(memory);
    }

    const std::string& name() const { return name_; }
    uint32_t multiprocessors() const { return multiprocessors_; }
    size_t shared_limit() const { return shared_limit_; }
    void use() const { check(cudaSetDevice(number_), "cudaSetDevice"); }

    std::byte* take(size_t bytes) {
        void* memory = nullptr;
        return kept(cudaMalloc(&memory, bytes), memory, taken_, "cudaMalloc");
    }
    std::byte* take_host(size_t bytes) {
        void* memory = nullptr;
        return kept(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault), memory, taken_of_host_, "cudaHostAlloc");
    }
    void copy(void* to, const void* from, size_t bytes) const {
        check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
        // Of pageable memory it may return before the card has it all, and slots do not wait for this stream.
        check(cudaStreamSynchronize(nullptr), "cudaStreamSynchronize");
    }

    /// A stream that does not wait for others.
    class Queue {
      public:
        explicit Queue(const CudaDevice& device) : number_(device.number_), shared_limit_(device.shared_limit_) {
            check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
            check(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming | cudaEventBlockingSync), "cudaEventCreate");
        }
        Queue(const Queue&) = delete;
        Queue& operator=(const Queue&) = delete;
        ~Queue() {
            cudaSetDevice(number_);
            cudaEventDestroy(done_);
            cudaStreamDestroy(stream_);
        }

        void upload(void* to, const void* from, size_t bytes) {
            check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "cudaMemcpyAsync to the card");
        }
        void download(void* to, const void* from, size_t bytes) {
            check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "cudaMemcpyAsync from the card");
        }
        template <class Job>
        void launch(void (*kernel)(Job), dim3 grid, dim3 block, size_t shared_bytes, Job job) {
            const void* const entry = reinterpret_cast<const void*>(kernel);
            check(cudaFuncSetAttribute(entry, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                       static_cast<int>(shared_limit_)),
                  "cudaFuncSetAttribute");
            void* arguments[] = {&job};
            check(cudaLaunchKernel(entry, grid, block, arguments, shared_bytes, stream_), "cudaLaunchKernel");
        }
        void wait() const {
            check(cudaEventRecord(done_, stream_), "cudaEventRecord");
            check(cudaEventSynchronize(done_), "a kernel or a copy");
        }

      private:
        int number_;
        size_t shared_limit_;
        cudaStream_t stream_ = nullptr;
        cudaEvent_t done_ = nullptr;
    };

  private:
    /// Null where there was not so much.
    static std::byte* kept(cudaError_t error, void* memory, std::vector<void*>& to, const char* call) {
        if (error == cudaErrorMemoryAllocation) {
            cudaGetLastError();
            return nullptr;
        }
        check(error, call);
        to.push_back(memory);
        return static_cast<std::byte*>(memory);
    }

    int number_;
    std::string name_;
    uint32_t multiprocessors_ = 0;
    size_t shared_limit_ = 0;
    std::vector<void*> taken_, taken_of_host_;
};

constexpr CardTable cuda_card = card_table_of<CudaDevice>("CUDA");

}  // namespace
}  // namespace pg_ocr

extern "C" __attribute__((visibility("default"))) const pg_ocr::CardTable* pg_ocr_card_table() {
    return &pg_ocr::cuda_card;
}
