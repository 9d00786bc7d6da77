# find_package(weft) gives weft::weft, the whole library, and weft::graph … weft::frontend, its parts.
include(CMakeFindDependencyMacro)
find_dependency(absl)
find_dependency(Protobuf)
find_dependency(ZLIB)
find_dependency(dnnl)
find_dependency(OpenMP)
find_dependency(PNG)
include(${CMAKE_CURRENT_LIST_DIR}/weft-targets.cmake)
