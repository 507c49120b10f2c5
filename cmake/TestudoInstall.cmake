# What `cmake --install` puts where, and the Debian packages that cpack makes of it (packaging/build-deb).
include(GNUInstallDirs)
file(GLOB man8 CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/docs/man/*.8")
install(FILES ${man8} DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")
file(GLOB man4 CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/docs/man/*.4")
install(FILES ${man4} DESTINATION "${CMAKE_INSTALL_MANDIR}/man4")
file(GLOB man5 CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/docs/man/*.5")
install(FILES ${man5} DESTINATION "${CMAKE_INSTALL_MANDIR}/man5")
file(GLOB man7 CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/docs/man/*.7")
install(FILES ${man7} DESTINATION "${CMAKE_INSTALL_MANDIR}/man7")
file(GLOB man3 CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/docs/man/*.3")
install(FILES ${man3} DESTINATION "${CMAKE_INSTALL_MANDIR}/man3" COMPONENT libipsec-dev)

# Written at the installation, which alone knows the prefix for certain: cpack's is not that of the configuration.
function(testudo_install_with_prefix template directory component)
  get_filename_component(name "${template}" NAME_WLE)
  install(CODE "
    set(SBIN \"\${CMAKE_INSTALL_PREFIX}/sbin\")
    set(PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
    set(LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
    set(INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
    set(VERSION \"${PROJECT_VERSION}\")
    configure_file(\"${template}\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${directory}/${name}\" @ONLY)"
    COMPONENT ${component})
endfunction()

file(GLOB units CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/packaging/systemd/*.in")
foreach(unit IN LISTS units)
  testudo_install_with_prefix("${unit}" lib/systemd/system testudo)
endforeach()
# /etc is the distribution's, whose prefix is /usr; and what stands there was written for that host.
install(CODE "
  set(conf \"\${CMAKE_INSTALL_PREFIX}/share/doc/testudo/examples\")
  if(CMAKE_INSTALL_PREFIX STREQUAL /usr AND NOT EXISTS \"\$ENV{DESTDIR}/etc/testudo.conf\")
    set(conf /etc)
  endif()
  file(INSTALL \"${CMAKE_SOURCE_DIR}/packaging/testudo.conf\" DESTINATION \"\${conf}\")" COMPONENT testudo)
install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/testudo" RENAME copyright)
install(FILES "${CMAKE_SOURCE_DIR}/packaging/systemd/wire.conf" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/testudo/examples"
  COMPONENT testudo)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The Testudo authors <testudo@localhost>")
# With DESTDIR the scripts of the installation know the prefix, and /etc is that of the package.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL testudo libipsec libipsec-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)

set(scripts "${CMAKE_SOURCE_DIR}/packaging/debian")
set(CPACK_DEBIAN_TESTUDO_PACKAGE_NAME testudo)
set(CPACK_COMPONENT_TESTUDO_DESCRIPTION "testudod, setkey, racoon, testudo
 AH, ESP and IPcomp, the databases of RFC 4301, PF_KEY, setkey(8) and racoon(8)
 as NetBSD and KAME defined them, on a kernel that need not know IPsec.")
# DES, Blowfish and CAST are in a package of their own since Debian 13.
set(CPACK_DEBIAN_TESTUDO_PACKAGE_RECOMMENDS "openssl-provider-legacy | libssl3")
set(CPACK_DEBIAN_TESTUDO_PACKAGE_SUGGESTS "nftables, tcpdump")
set(CPACK_DEBIAN_TESTUDO_PACKAGE_CONFLICTS "ipsec-tools, racoon")
set(CPACK_DEBIAN_TESTUDO_PACKAGE_REPLACES "ipsec-tools, racoon")
set(CPACK_DEBIAN_TESTUDO_PACKAGE_CONTROL_EXTRA
  "${scripts}/conffiles" "${scripts}/postinst" "${scripts}/prerm" "${scripts}/postrm")

set(CPACK_DEBIAN_LIBIPSEC_PACKAGE_NAME testudo-libipsec)
set(CPACK_DEBIAN_LIBIPSEC_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBIPSEC_DESCRIPTION "ipsec_set_policy(3) and PF_KEY for programs
 The shared library of KAME's C interface to IPsec, for testudod.")

set(CPACK_DEBIAN_LIBIPSEC-DEV_PACKAGE_NAME testudo-libipsec-dev)
set(CPACK_DEBIAN_LIBIPSEC-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBIPSEC-DEV_PACKAGE_DEPENDS "testudo-libipsec (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_LIBIPSEC-DEV_DESCRIPTION "ipsec_set_policy(3) and PF_KEY for programs: headers
 Headers, the static library and the manual page of KAME's C interface to IPsec.")
include(CPack)
