// A block's shared memory. All of it is asked for at the launch, so that one plain struct says what lies there and how
// much it is, to the kernel, to whoever launches it and to the emulation of test/unit/cuda_on_cpu.h.
#pragma once

#ifdef __CUDACC__
__device__ inline void* shared_memory() {
    extern __shared__ int4 shared_words[];
    return shared_words;
}
#endif

namespace pg_ocr {

/// The launch gives sizeof(Layout) bytes, or more for what follows it. Nothing in it is set to anything.
template <class Layout>
__device__ Layout& shared_as() {
    return *static_cast<Layout*>(shared_memory());
}

}  // namespace pg_ocr
